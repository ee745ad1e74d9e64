//! What the instance sends, in both shapes (fact sheet strongly, sections 2.1 and 2.2): with an envelope and
//! three fields of a user, or without one and with all of them.

use serde_json::Value;

use crate::model::Moment;
use crate::targets::scim::value::{boolean, get, list, text};

/// What can be shared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An app.
    Application,
    /// A project.
    Project,
    /// A workspace, which has what its project has.
    Workspace,
    /// A workflow.
    Workflow,
    /// A data source.
    DataSource,
}

impl Kind {
    /// All, in the order in which they can lie in one another.
    pub const ALL: [Self; 5] = [Self::Application, Self::Project, Self::Workspace, Self::Workflow, Self::DataSource];

    /// As the files call it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Project => "project",
            Self::Workspace => "workspace",
            Self::Workflow => "workflow",
            Self::DataSource => "data-source",
        }
    }

    /// As paths call it, and its list in the older shape.
    pub fn path(self) -> &'static str {
        match self {
            Self::Application => "apps",
            Self::Project => "projects",
            Self::Workspace => "workspaces",
            Self::Workflow => "workflows",
            Self::DataSource => "datasources",
        }
    }

    /// The kind of a resource by its name in the files.
    pub fn of(resource: &str) -> Option<Self> {
        let (word, _) = resource.split_once('/')?;
        Self::ALL.into_iter().find(|k| k.word() == word)
    }

    /// The flag that lets everybody in, where there is a whole list of who may use it.
    pub fn flag(self) -> Option<&'static str> {
        match self {
            Self::Application => Some("isPublic"),
            Self::DataSource => Some("allowAllUsers"),
            _ => None,
        }
    }
}

/// The body without its envelope.
pub fn unwrapped(mut body: Value) -> Value {
    if get(&body, "success").is_some()
        && let Some(data) = body.get_mut("data")
    {
        return data.take();
    }
    body
}

/// An id; opaque, and spelled in three ways.
pub fn id(value: &Value) -> Option<String> {
    text(value, "_id").or_else(|| text(value, "id"))
}

/// An address in its compared form; nothing where it is none.
pub fn address(said: &str) -> Option<String> {
    crate::model::Email::parse(said).ok().map(|e| e.as_str().to_owned())
}

fn email(value: &Value) -> Option<String> {
    let first = || list(value, "emails").first().and_then(|e| text(e, "address"));
    let said = text(value, "email").or_else(first).or_else(|| text(value, "username"));
    said.and_then(|e| address(&e))
}

/// A user of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The address in its compared form.
    pub email: String,
    /// The name that people see; only the older shape has it here.
    pub name: Option<String>,
    /// The platform role as the API spells it; nothing for none.
    pub role: Option<String>,
    /// The id; only the older shape has it here.
    pub id: Option<String>,
    /// Whether they are archived; only the older shape says it here.
    pub archived: Option<bool>,
}

impl Person {
    /// Reads one; nothing where it has no address.
    pub fn read(value: &Value) -> Option<Self> {
        let status = || match text(value, "status")?.to_ascii_lowercase().as_str() {
            "archived" | "deactivated" | "disabled" | "inactive" => Some(true),
            "active" | "invited" | "pending" => Some(false),
            // A word that nobody knows says nothing: the list does in which they stand.
            _ => None,
        };
        let active = || boolean(value, "active").map(|a| !a);
        let archived = boolean(value, "archived").or_else(active).or_else(status);
        Some(Self {
            email: email(value)?,
            name: text(value, "name"),
            role: text(value, "role"),
            id: id(value),
            archived,
        })
    }
}

/// A member of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The address in its compared form.
    pub email: String,
    /// The name that people see.
    pub name: Option<String>,
    /// The id of the user.
    pub user: Option<String>,
    /// The id of the place.
    pub place: Option<String>,
    /// The role in the organization.
    pub role: Option<String>,
}

impl Member {
    /// Reads one: the user stands beside the place, or inside it.
    pub fn read(value: &Value) -> Option<Self> {
        let user = get(value, "user").filter(|u| u.is_object());
        let inner = |f: fn(&Value) -> Option<String>| user.and_then(f);
        let name = |v: &Value| text(v, "name");
        let user_id = text(value, "userId").or_else(|| inner(id));
        Some(Self {
            email: email(value).or_else(|| inner(email))?,
            name: name(value).or_else(|| user.and_then(name)),
            // A place without a user in it is named like the user.
            user: user_id.or_else(|| id(value)),
            place: text(value, "memberId").or_else(|| id(value)).or_else(|| text(value, "userId")),
            role: text(value, "role"),
        })
    }
}

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Whose, in the compared form.
    pub email: String,
    /// Its id.
    pub id: Option<String>,
    /// The role in the organization.
    pub role: Option<String>,
    /// When it runs out.
    pub expires: Option<Moment>,
}

impl Invitation {
    /// Reads one; nothing for one that is over. A word that nobody knows does not end it.
    pub fn read(value: &Value) -> Option<Self> {
        let over = ["accepted", "revoked", "cancelled", "canceled", "declined"];
        let open = text(value, "status").is_none_or(|s| !over.contains(&s.to_ascii_lowercase().as_str()));
        let expires = text(value, "expiresAt").and_then(|t| Moment::parse(&t).ok());
        let invitation = Self { email: email(value)?, id: id(value), role: text(value, "role"), expires };
        open.then_some(invitation)
    }
}

/// Something of a list that can be shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The owner: an id or an address.
    pub owner: Option<String>,
    /// The project that it lies in, by id.
    pub project: Option<String>,
}

impl Item {
    /// Reads one.
    pub fn read(value: &Value) -> Option<Self> {
        let whose = |key: &str| match get(value, key) {
            Some(one @ Value::Object(_)) => id(one).or_else(|| email(one)),
            _ => text(value, key),
        };
        Some(Self {
            id: id(value)?,
            name: text(value, "name"),
            owner: ["ownerId", "owner", "createdBy", "userId"].into_iter().find_map(whose),
            project: whose("projectId").or_else(|| whose("project")),
        })
    }
}

/// Who may use an application or a data source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// Everybody.
    pub open: bool,
    /// These, by id, in the order of the list.
    pub users: Vec<String>,
}

impl Access {
    /// Reads it from one thing: beside its name, or under `permissions`. Nothing where a part of it is not
    /// shown: what is written replaces the whole list, and with it who was not understood.
    pub fn read(kind: Kind, value: &Value) -> Option<Self> {
        let flag = kind.flag()?;
        let of = |v: &Value| {
            let users = get(v, "allowedUsers").and_then(Value::as_array)?;
            let one = |u: &Value| match u {
                Value::String(user) => Some(user.clone()),
                other => text(other, "userId").or_else(|| id(other)),
            };
            let open = boolean(v, flag).or_else(|| boolean(value, flag))?;
            Some(Self { open, users: users.iter().map(one).collect::<Option<_>>()? })
        };
        of(value).or_else(|| get(value, "permissions").and_then(of))
    }
}

/// The sign-in pages of an application.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignIn {
    /// Whether there are any.
    pub enabled: bool,
    /// Whether people can make themselves an account there.
    pub signup: bool,
    /// Whose addresses may, in lower case.
    pub domains: Vec<String>,
}

impl SignIn {
    /// Whether its domains let anybody in.
    pub fn is_open(&self) -> bool {
        self.enabled && self.signup
    }

    /// Reads it from an application; nothing where the domains are not shown, which is not a list without any.
    pub fn read(value: &Value) -> Option<Self> {
        let auth = get(value, "auth")?;
        let domains = get(auth, "allowedDomains").and_then(Value::as_array)?;
        Some(Self {
            enabled: boolean(auth, "enabled").unwrap_or(false),
            signup: boolean(auth, "signupEnabled").unwrap_or(false),
            domains: domains.iter().map(|d| d.as_str().map(str::to_lowercase)).collect::<Option<_>>()?,
        })
    }
}

/// Somebody who works with a project or a workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// The id of the user.
    pub user: Option<String>,
    /// The address in its compared form, where it is shown.
    pub email: Option<String>,
    /// As what, in the words of the API; nothing where there are no levels.
    pub role: Option<String>,
}

impl Share {
    /// Reads one.
    pub fn read(value: &Value) -> Option<Self> {
        if let Some(user) = value.as_str() {
            return Some(Self { user: Some(user.to_owned()), email: None, role: None });
        }
        let user = get(value, "user").filter(|u| u.is_object());
        let share = Self {
            user: text(value, "userId").or_else(|| user.and_then(id)).or_else(|| id(value)),
            email: email(value).or_else(|| user.and_then(email)),
            role: text(value, "role").or_else(|| text(value, "permission")),
        };
        (share.user.is_some() || share.email.is_some()).then_some(share)
    }

    /// Whether it is that of the owner, who is always listed.
    pub fn owns(&self) -> bool {
        self.role.as_deref().is_some_and(|r| r.eq_ignore_ascii_case("owner"))
    }

    /// The role in the words of the catalogue; `Err` with its name where there is none.
    pub fn level(&self) -> Result<&'static str, String> {
        match self.role.as_deref().map(str::to_ascii_lowercase).as_deref() {
            Some("editor" | "edit" | "write") => Ok("edit"),
            None | Some("viewer" | "view" | "read") => Ok("view"),
            Some(other) => Err(other.to_owned()),
        }
    }
}

/// A level as the API spells it.
pub fn api_level(role: &str) -> &'static str {
    if role == "edit" { "editor" } else { "viewer" }
}

/// A platform role as the API spells it; nothing where the API has none (section 2.2).
pub fn api_role(role: &str) -> Option<&'static str> {
    match role {
        "admin" => Some("admin"),
        "developer" => Some("developer"),
        "viewer" => Some("app"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_are_read_in_both_shapes() {
        let newer =
            Person::read(&json!({"username": "Ada@x.example", "email": "Ada@x.example", "role": null})).unwrap();
        assert_eq!((newer.email.as_str(), newer.role, newer.id, newer.archived), ("ada@x.example", None, None, None));
        let older = json!({"id": "1", "email": "ada@x.example", "name": "Ada", "role": "admin", "status": "archived"});
        let older = Person::read(&older).unwrap();
        assert_eq!((older.id.as_deref(), older.archived), (Some("1"), Some(true)));
        assert_eq!(Person::read(&json!({"username": "ada@x.example"})).unwrap().email, "ada@x.example");
        assert_eq!(Person::read(&json!({"emails": [{"address": "a@x.example"}]})).unwrap().email, "a@x.example");
        assert_eq!(Person::read(&json!({"username": "ada", "role": "admin"})), None, "nobody without an address");
        assert_eq!(unwrapped(json!({"success": true, "data": {"a": 1}})), json!({"a": 1}));
        assert_eq!(unwrapped(json!({"data": {"a": 1}})), json!({"data": {"a": 1}}));
    }

    #[test]
    fn members_stand_beside_their_user_or_around_it() {
        let beside = Member::read(&json!({"id": "m", "userId": "u", "email": "a@x.example", "role": "owner"})).unwrap();
        assert_eq!((beside.user.as_deref(), beside.place.as_deref()), (Some("u"), Some("m")));
        let around = json!({"_id": "m", "role": "member", "user": {"_id": "u", "email": "a@x.example", "name": "A"}});
        let around = Member::read(&around).unwrap();
        assert_eq!((around.user.as_deref(), around.name.as_deref()), (Some("u"), Some("A")));
        let plain = Member::read(&json!({"userId": "u", "email": "a@x.example"})).unwrap();
        assert_eq!((plain.user.as_deref(), plain.place.as_deref()), (Some("u"), Some("u")));
    }

    /// Of several ids, that of the user is taken, and never that of an entry (fact sheet strongly, section 2.5).
    #[test]
    fn of_several_ids_that_of_the_user_is_taken() {
        for member in [
            json!({"_id": "m", "id": "n", "userId": "u", "email": "a@x.example", "user": {"_id": "v"}}),
            json!({"_id": "m", "id": "n", "email": "a@x.example", "user": {"_id": "u", "id": "v"}}),
        ] {
            let read = Member::read(&member).unwrap();
            assert_eq!((read.user.as_deref(), read.place.as_deref()), (Some("u"), Some("m")), "{member}");
        }
        let named = Member::read(&json!({"memberId": "p", "_id": "m", "userId": "u", "email": "a@x.example"})).unwrap();
        assert_eq!(named.place.as_deref(), Some("p"));
        for share in [
            json!({"_id": "s", "userId": "u", "user": {"_id": "v"}}),
            json!({"_id": "s", "id": "t", "user": {"_id": "u", "id": "v"}}),
        ] {
            assert_eq!(Share::read(&share).unwrap().user.as_deref(), Some("u"), "{share}");
        }
        let list =
            json!({"isPublic": false, "allowedUsers": [{"_id": "s", "userId": "u"}, {"_id": "v", "id": "w"}, "x"]});
        assert_eq!(Access::read(Kind::Application, &list).unwrap().users, ["u", "v", "x"]);
        assert_eq!(
            Person::read(&json!({"_id": "u", "id": "v", "email": "a@x.example"})).unwrap().id.as_deref(),
            Some("u")
        );
    }

    #[test]
    fn lists_of_who_may_use_something_are_never_guessed() {
        let read = |value: Value| Access::read(Kind::Application, &value);
        let expected = Some(Access { open: true, users: vec!["u".to_owned()] });
        assert_eq!(read(json!({"isPublic": true, "allowedUsers": ["u"]})), expected);
        assert_eq!(read(json!({"permissions": {"isPublic": true, "allowedUsers": [{"userId": "u"}]}})), expected);
        assert_eq!(read(json!({"isPublic": true})), None, "a list that is not shown is not an empty one");
        assert_eq!(Access::read(Kind::Project, &json!({"allowedUsers": []})), None);
        let beside = json!({"isPublic": true, "permissions": {"allowedUsers": ["u"]}});
        assert_eq!(read(beside), expected, "the flag beside the list");
        assert_eq!(read(json!({"allowedUsers": ["u"]})), None, "a flag that is not shown is not off");
        for stranger in [json!({"name": "Ada"}), json!(7), Value::Null] {
            let list = json!({"isPublic": false, "allowedUsers": ["u", stranger]});
            assert_eq!(read(list.clone()), None, "{list}: who cannot be read is not dropped");
        }
    }

    #[test]
    fn domains_that_are_not_shown_are_not_none() {
        let read = |value: Value| SignIn::read(&value).map(|pages| pages.domains);
        assert_eq!(read(json!({"auth": {"allowedDomains": ["X.example"]}})), Some(vec!["x.example".to_owned()]));
        assert_eq!(read(json!({"auth": {"allowedDomains": []}})), Some(Vec::new()));
        for unclear in [json!({}), json!({"auth": {}}), json!({"auth": {"allowedDomains": ["x.example", 7]}})] {
            assert_eq!(read(unclear.clone()), None, "{unclear}");
        }
    }

    #[test]
    fn status_words_that_nobody_knows_decide_nothing() {
        let archived = |word: &str| {
            Person::read(&json!({"email": "a@x.example", "status": word})).and_then(|person| person.archived)
        };
        assert_eq!([archived("Archived"), archived("pending"), archived("on leave")], [Some(true), Some(false), None]);
        let open = |word: &str| Invitation::read(&json!({"email": "a@x.example", "id": "i", "status": word})).is_some();
        assert_eq!([open("Pending"), open("sent"), open("Revoked"), open("canceled")], [true, true, false, false]);
    }

    #[test]
    fn shares_have_levels_or_none() {
        let level = |value: Value| Share::read(&value).map(|s| s.level());
        assert_eq!(level(json!({"userId": "u", "role": "Editor"})), Some(Ok("edit")));
        assert_eq!(level(json!({"userId": "u"})), Some(Ok("view")));
        assert_eq!(level(json!("u")), Some(Ok("view")));
        assert_eq!(level(json!({"email": "a@x.example", "role": "critic"})), Some(Err("critic".to_owned())));
        assert_eq!(level(json!({"role": "editor"})), None);
        assert!(Share::read(&json!({"userId": "u", "role": "owner"})).is_some_and(|s| s.owns()));
        let late = json!({"email": "a@x.example", "id": "i", "status": "accepted"});
        assert_eq!(Invitation::read(&late), None, "only what is open");
    }
}
