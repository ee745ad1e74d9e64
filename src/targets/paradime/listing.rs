//! Everybody in a workspace, as Paradime lists them, in as few words as rolecall needs. Who is disabled is in
//! no list (fact sheet paradime, section c).

use serde_json::Value;

use super::session::ok;
use crate::model::Email;
use crate::targets::TargetError;

/// Somebody with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The identifier, which means nothing.
    pub uid: String,
    /// The address, in its compared form.
    pub email: String,
    /// The name that they have given themselves.
    pub name: Option<String>,
    /// The account type, whatever it says.
    pub role: String,
}

/// Somebody who is invited.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// The address, in its compared form.
    pub email: String,
    /// The account type that they will have.
    pub role: String,
    /// `EXPIRED`, or anything else for one that is open (section b: sources disagree about the words).
    pub status: String,
}

impl Invitation {
    /// Whether it has run out.
    pub fn is_expired(&self) -> bool {
        self.status.eq_ignore_ascii_case("EXPIRED")
    }
}

/// Everybody.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Listing {
    /// Those with an account.
    pub active: Vec<Person>,
    /// Those who are invited.
    pub invited: Vec<Invitation>,
    /// The addresses of accounts that show no identifier: they are there, and nothing can be done with them.
    pub unidentified: Vec<String>,
    /// What is listed and has no address that rolecall can read.
    pub nameless: Vec<String>,
}

impl Listing {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it is not the whole list: a part of one is never handed out.
    pub fn read(value: &Value) -> Result<Self, TargetError> {
        ok(value).map_err(TargetError::Malformed)?;
        let list = |name: &str| {
            let found = value.get(name).and_then(Value::as_array);
            found.ok_or_else(|| TargetError::Malformed(format!("the answer holds no list `{name}`")))
        };
        let text = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let mut listing = Self::default();
        for value in list("activeUsers")? {
            let (uid, said) = (text(value, "uid"), text(value, "email"));
            match Email::parse(&said) {
                Ok(email) if !uid.is_empty() => {
                    let name = Some(text(value, "name")).filter(|n| !n.is_empty());
                    let person =
                        Person { uid, email: email.as_str().to_owned(), name, role: text(value, "accountType") };
                    // What is listed twice is there once.
                    if !listing.active.contains(&person) {
                        listing.active.push(person);
                    }
                }
                Ok(email) => listing.unidentified.push(email.as_str().to_owned()),
                Err(_) => listing.nameless.push(shown([said, uid])),
            }
        }
        for value in list("invitedUsers")? {
            let said = text(value, "email");
            match Email::parse(&said) {
                Ok(email) => {
                    let (role, status) = (text(value, "accountType"), text(value, "inviteStatus"));
                    let invitation = Invitation { email: email.as_str().to_owned(), role, status };
                    if !listing.invited.contains(&invitation) {
                        listing.invited.push(invitation);
                    }
                }
                Err(_) => listing.nameless.push(shown([said, String::new()])),
            }
        }
        Ok(listing)
    }

    /// The account of an address.
    ///
    /// # Errors
    /// When several have it, so that nobody can tell which is meant, or it shows no identifier.
    pub fn person(&self, email: &str) -> Result<Option<&Person>, TargetError> {
        if self.unidentified.iter().any(|e| e == email) {
            return Err(TargetError::Conflict(format!("the account of {email} shows no identifier")));
        }
        let mut found = self.active.iter().filter(|p| p.email == email);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(TargetError::Conflict(format!("several accounts have the address {email}"))),
            (first, _) => Ok(first),
        }
    }

    /// The invitation of an address.
    pub fn invitation(&self, email: &str) -> Option<&Invitation> {
        self.invited.iter().find(|i| i.email == email)
    }
}

/// The first text that says anything.
fn shown(texts: [String; 2]) -> String {
    texts.into_iter().find(|t| !t.is_empty()).unwrap_or_else(|| "(empty)".to_owned())
}
