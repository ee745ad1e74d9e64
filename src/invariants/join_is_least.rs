//! `join-is-least`: what an auto-join domain gives, and to whom.

use super::{Breach, Place, RuleInfo, Scope, Subject};
use crate::diagnostic::Code;
use crate::model::{DomainId, Place as Held, RoleId};

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::JoinIsLeast,
    statement: "an auto-join domain gives no role that administers or stands above another one, is no public mail \
                provider, and is a domain that somebody can own",
    source: "Paradime: who joins by a domain gets a read-only seat; peers.md: free-form domains let strangers claim \
             a company",
    optional: true,
    scope: Scope::File,
    example: "domains:\n\
              \x20 acme.com: {role: admin}       # whoever has an address there would administer\n\
              \x20 gmail.com: {role: viewer}     # anybody can have an address there",
    fix: "Give the least role that there is, and more to people by name. Take public mail providers away: invite their \
          users one by one.",
};

/// Providers that give an address to anybody. Of those that have many domains, the widest used.
const MAIL_PROVIDERS: [&str; 72] = [
    "126.com",
    "163.com",
    "aim.com",
    "aliyun.com",
    "aol.com",
    "att.net",
    "bellsouth.net",
    "bigpond.com",
    "bluewin.ch",
    "btinternet.com",
    "comcast.net",
    "cox.net",
    "daum.net",
    "duck.com",
    "email.com",
    "fastmail.com",
    "fastmail.fm",
    "foxmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hanmail.net",
    "hey.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "hotmail.it",
    "hushmail.com",
    "icloud.com",
    "inbox.ru",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.de",
    "mail.ru",
    "mailinator.com",
    "me.com",
    "msn.com",
    "naver.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "outlook.fr",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "sbcglobal.net",
    "seznam.cz",
    "sina.com",
    "t-online.de",
    "tuta.com",
    "tutanota.com",
    "verizon.net",
    "wanadoo.fr",
    "web.de",
    "yahoo.co.jp",
    "yahoo.co.uk",
    "yahoo.com",
    "yandex.ru",
    "zoho.com",
];

/// Finds the domains that give too much, or to too many.
#[must_use]
pub(super) fn join_is_least(subject: &Subject<'_>) -> Vec<Breach> {
    let directory = subject.directory;
    let mut breaches = Vec::new();
    for (index, domain) in directory.domains().iter().enumerate() {
        let place = Place::Domain(DomainId(index as u32));
        let name = &domain.name;
        if MAIL_PROVIDERS.binary_search(&&**name).is_ok() {
            let message = format!("anybody can have an address in {name}, so anybody could join");
            breaches.push(
                Breach::new(&RULE, place.clone(), message)
                    .labelled("a public mail provider")
                    .help("take it away, and declare the people who have such an address by name"),
            );
        } else if let Some((message, help)) = not_ownable(name) {
            breaches.push(Breach::new(&RULE, place.clone(), message).labelled("not one owner").help(help));
        }
        let own = domain.role.value().map(|role| (*role, String::new(), None));
        let teams = domain.teams.value().into_iter().flatten();
        let of_teams = teams.flat_map(|team| directory.team_and_outer(*team)).filter_map(|team| {
            let base = *directory.team(team).role.value()?;
            Some((base, format!(", by team {}", directory.team(team).name), Some(Place::Team(team))))
        });
        for (role, by, team) in own.into_iter().chain(of_teams) {
            let Some(why) = privileged(subject, role) else { continue };
            let role = &directory.role(role).name;
            let message = format!("whoever has an address in {name} would get {role}{by}, which {why}");
            let mut breach = Breach::new(&RULE, place.clone(), message)
                .labelled("for everybody who joins")
                .help("let them join with the least role, and give more to people by name")
                .keyed(format!("{name} {role}"), 1);
            if let Some(team) = team {
                breach = breach.also(team, "this team");
            }
            breaches.push(breach);
        }
    }
    breaches
}

/// What is wrong with a domain that nobody can own alone.
fn not_ownable(name: &str) -> Option<(String, &'static str)> {
    let help = "name the domain of your organization, as in acme.co.uk";
    if name.parse::<std::net::IpAddr>().is_ok() {
        return Some((format!("{name} is an address of a machine, not a domain"), help));
    }
    match psl::domain_str(name) {
        Some(_) => None,
        None => Some((format!("{name} is no domain of one owner: anybody can register a name below it"), help)),
    }
}

/// Why a role is more than somebody should get for an address: it administers, or there is a lesser one
/// with which one can do something.
///
/// Cost: the roles of the catalogue, for each domain.
fn privileged(subject: &Subject<'_>, role: RoleId) -> Option<String> {
    let directory = subject.directory;
    let this = directory.role(role);
    if this.administers {
        return Some("administers everything".to_owned());
    }
    let lesser = subject.catalogue.roles_for(Held::User).find(|name| {
        let other = directory.find_role(name).filter(|o| *o != role).map(|o| directory.role(o).permissions);
        other.is_some_and(|o| !o.is_empty() && o != this.permissions && o.is_subset(&this.permissions))
    })?;
    Some(format!("stands above {lesser}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_can_own_which_domain() {
        assert!(MAIL_PROVIDERS.is_sorted());
        for good in ["acme.com", "acme.co.uk", "eu.acme.com", "acme.example", "xn--bcher-kva.example"] {
            assert_eq!(not_ownable(good), None, "{good}");
        }
        for bad in ["co.uk", "com", "github.io", "s3.amazonaws.com", "10.0.0.1"] {
            assert!(not_ownable(bad).is_some(), "{bad}");
        }
    }
}
