//! The `drift:` section: which differences are known and allowed for a time.

use super::Resolver;
use crate::config::declaration::DriftDecl;
use crate::diagnostic::{Code, Finding, Span};
use crate::model::{Kind, Moment};

/// A difference between what is live and what is declared that somebody answers for, until a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The thing as a plan names it, with users by their addresses: `member platform bot@acme.com`.
    pub object: String,
    /// In which targets, by name.
    pub targets: Vec<String>,
    /// Who answers for it: an e-mail.
    pub owner: String,
    /// Why.
    pub because: String,
    /// The last moment of it.
    pub until: Moment,
    /// Where it is declared.
    pub span: Span,
}

impl Resolver<'_> {
    /// Reads what is allowed to drift.
    pub fn read_drift(&mut self, drift: Option<&DriftDecl>) -> Vec<Allowance> {
        let mut found = Vec::new();
        for allowed in drift.and_then(|d| d.allow.as_ref()).into_iter().flatten() {
            let owner = self.user(allowed.owner.0);
            let targets = match allowed.target {
                Some(target) => self.targets_named(target),
                None => (0..self.targets.len()).collect(),
            };
            let until = allowed.until.0;
            if until.value.is_past(self.now) {
                let text = format!("this allowance ended {}", until.value.short());
                let finding = Finding::at(Code::Expired, until.span, text);
                self.sink.push(finding.help("the difference is reported again; take the line away, or mend it"));
            }
            let object = allowed.object.0;
            let Some(name) = self.object_named(self.text(object.value)) else {
                let kinds: Vec<&str> = Kind::ALL.into_iter().map(Kind::singular).collect();
                let text = format!("`{}` names nothing that can differ", self.text(object.value));
                let help = format!(
                    "write the kind and the name as a plan does, as in `user bot@acme.com` or `member platform \
                     bot@acme.com`; the kinds are {}",
                    kinds.join(", ")
                );
                self.sink.push(Finding::at(Code::UnknownReference, object.span, text).help(help));
                continue;
            };
            let Some(owner) = owner else { continue };
            found.push(Allowance {
                object: name,
                targets: targets.iter().map(|t| self.targets[*t].name.clone()).collect(),
                owner: self.users[owner as usize].email.clone(),
                because: allowed.because.0.0.trim().to_owned(),
                until: until.value,
                span: allowed.span,
            });
        }
        found
    }

    /// The name of a thing as plans write it: short names of users become their addresses.
    fn object_named(&self, text: &str) -> Option<String> {
        let (kind, name) = text.split_once(' ')?;
        let kind = Kind::ALL.into_iter().find(|k| k.singular() == kind)?;
        let name = name.trim();
        let (head, last) = name.rsplit_once(' ').map_or((None, name), |(head, last)| (Some(head.trim()), last));
        let about_user = matches!(kind, Kind::User | Kind::Member | Kind::Grant);
        let known = self.names.get(last).filter(|_| about_user).and_then(|s| self.user_by_name.get(&s));
        let last = known.map_or(last, |index| self.users[*index as usize].email.as_str());
        let name = head.map_or_else(|| last.to_owned(), |head| format!("{head} {last}"));
        (!name.is_empty()).then(|| format!("{kind} {name}"))
    }
}
