//! Users and groups as a server shows them, in as few bytes as rolecall needs.

use serde_json::Value;

use super::value::{boolean, get, list, text};
use crate::model::{Email, UserRecord};

/// The schema of a user (RFC 7643, section 4.1).
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of a group (RFC 7643, section 4.2).
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of a user (RFC 7643, section 4.3).
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The attributes of users that rolecall keeps beside name, state, role and time zone, by their SCIM
/// names; the last five belong to the enterprise extension.
pub const ATTRIBUTES: &[&str] = &[
    "title",
    "userType",
    "nickName",
    "profileUrl",
    "preferredLanguage",
    "locale",
    "employeeNumber",
    "costCenter",
    "organization",
    "division",
    "department",
];

/// How many of [`ATTRIBUTES`] belong to the core schema.
const CORE: usize = 6;

/// The system under which the `userName` of an account is kept where it is not its address.
pub const HANDLE: &str = "scim";

/// Whether an attribute belongs to the enterprise extension.
pub fn is_enterprise(name: &str) -> bool {
    ATTRIBUTES[CORE..].contains(&name)
}

/// A user of the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// The server's own name for it, which never changes.
    pub id: String,
    /// The name it signs in with.
    pub user_name: String,
    /// The address by which rolecall knows it: the `userName` where that is one, else the primary e-mail, else
    /// the `externalId`; none where none of them is one.
    pub address: Option<String>,
    /// The address that it has on the server, where rolecall knows it by another.
    pub called: Option<String>,
    /// The name that people see.
    pub name: Option<String>,
    /// Whether it can come in. Where the server does not say, it can.
    pub active: bool,
    /// The time zone.
    pub timezone: Option<String>,
    /// What it has of [`ATTRIBUTES`], in their order.
    pub attributes: Vec<(&'static str, String)>,
    /// The values of `roles`.
    pub roles: Vec<String>,
    /// The values of `entitlements`.
    pub entitlements: Vec<String>,
    /// The groups that it is in by itself, as the server says on the user.
    pub groups: Vec<String>,
}

impl Account {
    /// Reads a user; nothing where it has no `id`.
    pub fn read(value: &Value) -> Option<Self> {
        let id = text(value, "id")?;
        let user_name = text(value, "userName").unwrap_or_default();
        let mut account = Self {
            address: address(value, &user_name),
            name: text(value, "displayName").or_else(|| full_name(value)),
            active: boolean(value, "active").unwrap_or(true),
            timezone: text(value, "timezone"),
            roles: values(value, "roles"),
            entitlements: values(value, "entitlements"),
            groups: list(value, "groups").iter().filter(|g| is_direct(g)).filter_map(reference).collect(),
            attributes: Vec::new(),
            called: None,
            id,
            user_name,
        };
        let enterprise = get(value, ENTERPRISE);
        for name in ATTRIBUTES {
            let from = if is_enterprise(name) { enterprise } else { Some(value) };
            if let Some(text) = from.and_then(|v| text(v, name)) {
                account.attributes.push((name, text));
            }
        }
        Some(account)
    }

    /// The name in [`HANDLE`], where the account does not sign in with its address.
    pub fn handle(&self) -> Option<&str> {
        let address = self.called.as_deref().or(self.address.as_deref())?;
        let same = Email::parse(&self.user_name).is_ok_and(|e| e.as_str() == address);
        (!same && !self.user_name.is_empty()).then_some(self.user_name.as_str())
    }

    /// An attribute by name.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// Whether it has everything that a record says, apart from the role and the state. What a server adds
    /// by itself is no matter.
    pub fn shows(&self, user: &UserRecord) -> bool {
        let kept = |said: Option<&String>, live: Option<&str>| said.is_none_or(|said| live == Some(said));
        self.address.as_deref() == Some(&user.email)
            && kept(user.name.as_ref(), self.name.as_deref())
            && kept(user.timezone.as_ref(), self.timezone.as_deref())
            && kept(user.handles.get(HANDLE), self.handle())
            && ATTRIBUTES.iter().all(|name| kept(user.attributes.get(*name), self.attribute(name)))
    }
}

/// A group of the server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// The server's own name for it.
    pub id: String,
    /// The name that people see, which need not be unique.
    pub name: String,
    /// Its members; `None` where the server does not say, as it may in a list.
    pub members: Option<Vec<Member>>,
}

/// A member of a group, as the group lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Member {
    /// What the server calls it: an `id`, and with some the `userName`. To be used as it stands when the
    /// member is removed.
    pub value: String,
    /// The last part of `$ref`.
    pub reference: Option<String>,
    /// Whether it is a group; `None` where the server does not say.
    pub is_group: Option<bool>,
}

impl Group {
    /// Reads a group; nothing where it has no `id`.
    pub fn read(value: &Value) -> Option<Self> {
        let members = get(value, "members").map(|_| list(value, "members").iter().filter_map(Member::read).collect());
        Some(Self { id: text(value, "id")?, name: text(value, "displayName").unwrap_or_default(), members })
    }
}

impl Member {
    /// Reads a member; nothing where it names nobody.
    pub fn read(value: &Value) -> Option<Self> {
        // Some list bare texts.
        if let Some(text) = value.as_str() {
            return Some(Self { value: text.to_owned(), reference: None, is_group: None });
        }
        let address = text(value, "$ref");
        let is_group = text(value, "type").map(|t| t.eq_ignore_ascii_case("group")).or_else(|| {
            let address = address.as_deref()?.to_ascii_lowercase();
            (address.contains("/groups/") || address.contains("/users/")).then(|| address.contains("/groups/"))
        });
        let last = address.as_deref().and_then(|a| a.rsplit('/').next()).filter(|l| !l.is_empty());
        let reference = last.map(str::to_owned);
        let value = text(value, "value").or_else(|| reference.clone())?;
        Some(Self { value, reference, is_group })
    }
}

fn address(value: &Value, user_name: &str) -> Option<String> {
    let parse = |text: &str| Email::parse(text).ok().map(|e| e.as_str().to_owned());
    if let Some(address) = parse(user_name) {
        return Some(address);
    }
    let mails = list(value, "emails");
    let primary = mails.iter().find(|m| boolean(m, "primary") == Some(true)).or_else(|| mails.first());
    let mail = primary.and_then(|p| text(p, "value").or_else(|| p.as_str().map(str::to_owned)));
    // What another client calls it, which is an address with many (RFC 7643, section 3.1).
    mail.as_deref().and_then(parse).or_else(|| text(value, "externalId").as_deref().and_then(parse))
}

fn full_name(value: &Value) -> Option<String> {
    let name = get(value, "name")?;
    text(name, "formatted").or_else(|| {
        let parts: Vec<String> = ["givenName", "familyName"].into_iter().filter_map(|p| text(name, p)).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    })
}

fn values(value: &Value, name: &str) -> Vec<String> {
    let one = |v: &Value| v.as_str().map(str::to_owned).or_else(|| text(v, "value"));
    list(value, name).iter().filter_map(one).collect()
}

/// Whether somebody is in a group by themselves, and not by way of another (RFC 7643, section 4.1.2).
fn is_direct(group: &Value) -> bool {
    text(group, "type").is_none_or(|t| !t.eq_ignore_ascii_case("indirect"))
}

fn reference(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).or_else(|| text(value, "value"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_address_is_the_name_or_the_primary_mail() {
        let read = |v: Value| Account::read(&v).unwrap();
        let plain = read(json!({"id": "1", "userName": "Ada@Acme.com", "emails": [{"value": "other@acme.com"}]}));
        assert_eq!((plain.address.as_deref(), plain.handle()), (Some("ada@acme.com"), None));
        assert!(plain.active, "where nothing is said");
        let named = read(json!({"id": 7, "userName": "ada", "active": "False",
            "emails": [{"value": "x@acme.com"}, {"value": "Ada@Acme.com", "primary": true}]}));
        assert_eq!((named.address.as_deref(), named.handle()), (Some("ada@acme.com"), Some("ada")));
        assert_eq!((named.id.as_str(), named.active), ("7", false));
        let foreign = read(json!({"id": "1", "userName": "ada", "externalId": "Ada@acme.com"}));
        assert_eq!((foreign.address.as_deref(), foreign.handle()), (Some("ada@acme.com"), Some("ada")));
        assert_eq!(read(json!({"id": "1", "userName": "ada", "externalId": "7"})).address, None);
        assert_eq!(Account::read(&json!({"userName": "ada@acme.com"})), None);
    }

    #[test]
    fn attributes_come_from_both_schemas() {
        let account = Account::read(&json!({
            "id": "1", "userName": "ada@acme.com", "title": "Countess", "locale": null,
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            ENTERPRISE: {"department": "Engines"}, "roles": [{"value": "admin"}, "plain"],
            "groups": [{"value": "g1"}, {"value": "g2", "type": "indirect"}],
        }))
        .unwrap();
        assert_eq!(account.attributes, [("title", "Countess".to_owned()), ("department", "Engines".to_owned())]);
        assert_eq!(account.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!(
            (account.roles, account.groups),
            (vec!["admin".to_owned(), "plain".to_owned()], vec!["g1".to_owned()])
        );
    }

    #[test]
    fn members_are_read_from_what_there_is() {
        let group = Group::read(&json!({"id": "g", "displayName": "Engineers", "members": [
            {"value": "1"}, {"$ref": "https://x/v2/Groups/2"}, {"value": "3", "type": "User", "$ref": "Users/3"}, "4", {}]}))
        .unwrap();
        let members = group.members.unwrap();
        let seen: Vec<_> = members.iter().map(|m| (m.value.as_str(), m.is_group)).collect();
        assert_eq!(seen, [("1", None), ("2", Some(true)), ("3", Some(false)), ("4", None)]);
        assert_eq!(Group::read(&json!({"id": "g"})).unwrap().members, None);
        assert_eq!(Group::read(&json!({"id": "g", "members": []})).unwrap().members, Some(vec![]));
    }
}
