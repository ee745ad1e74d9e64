//! What Omni sends, in as few words as rolecall needs. The shapes are those that were seen on the wire,
//! where they differ from Omni's own description (fact sheet omni, section b).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::Email;
use crate::targets::scim::value::{boolean, get, list, text};

/// The attributes of a user.
pub const ATTRIBUTES: &str = "urn:omni:params:1.0:UserAttribute";
/// The body of a SCIM `PATCH`.
pub const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// How the attributes of the system begin: read-only, apart from a few.
pub const SYSTEM: &str = "omni_";
/// The attribute that says whether somebody administers the organization.
pub const IS_ADMIN: &str = "omni_is_org_admin";
/// The attribute with the time zone of somebody's queries.
pub const TIMEZONE: &str = "omni_user_timezone";

/// A standard user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// The id of the membership.
    pub id: String,
    /// The address, in its compared form; none where the name is no address.
    pub email: Option<String>,
    /// The name that people see.
    pub name: Option<String>,
    /// Whether it can come in.
    pub active: bool,
    /// The values of attributes, those of the system included. Several values of one stand with commas
    /// between them; where a value itself has one, the attribute is in `unclear`.
    pub attributes: BTreeMap<String, String>,
    /// Attributes whose values cannot be written as one text.
    pub unclear: Vec<String>,
    /// The ids of the groups that it says it is in.
    pub groups: Vec<String>,
}

impl Person {
    /// Reads a user; nothing where it has no `id`.
    pub fn read(value: &Value) -> Option<Self> {
        let user_name = text(value, "userName").unwrap_or_default();
        let mut person = Self {
            id: text(value, "id")?,
            email: Email::parse(&user_name).ok().map(|e| e.as_str().to_owned()),
            name: text(value, "displayName"),
            active: boolean(value, "active").unwrap_or(true),
            groups: list(value, "groups").iter().filter_map(|g| text(g, "value")).collect(),
            ..Self::default()
        };
        for (name, value) in get(value, ATTRIBUTES).and_then(Value::as_object).into_iter().flatten() {
            match plain(value) {
                Some(Some(text)) => drop(person.attributes.insert(name.clone(), text)),
                Some(None) => {}
                None => person.unclear.push(name.clone()),
            }
        }
        Some(person)
    }
}

/// A value as one text: nothing in it where it is empty, nothing at all where it cannot be written so.
fn plain(value: &Value) -> Option<Option<String>> {
    let one = |v: &Value| match v {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    match value {
        Value::Null => Some(None),
        Value::Object(map) if map.is_empty() => Some(None),
        Value::Object(_) => None,
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(one).collect();
            let texts = texts?;
            if texts.iter().any(|t| t.contains(',') || t.is_empty()) {
                return None;
            }
            Some((!texts.is_empty()).then(|| texts.join(",")))
        }
        value => one(value).map(|text| (!text.is_empty()).then_some(text)),
    }
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Group {
    /// Its short id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The membership ids of its members, those of embed users among them.
    pub members: Vec<String>,
}

impl Group {
    /// Reads a group; nothing where it has no `id` or no name.
    pub fn read(value: &Value) -> Option<Self> {
        let members = list(value, "members").iter().filter_map(|m| text(m, "value")).collect();
        Some(Self { id: text(value, "id")?, name: text(value, "displayName")?, members })
    }
}

/// The definition of a user attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Definition {
    /// Whether its values are numbers.
    pub number: bool,
    /// Whether a user can have several values.
    pub multiple: bool,
    /// Whether it is one of the system.
    pub system: bool,
}

impl Definition {
    /// Reads a definition and its reference.
    pub fn read(value: &Value) -> Option<(String, Self)> {
        let name = text(value, "name")?;
        let definition = Self {
            number: text(value, "type").is_some_and(|t| t.eq_ignore_ascii_case("number")),
            multiple: boolean(value, "multiple_values") == Some(true),
            system: boolean(value, "system") == Some(true) || name.starts_with(SYSTEM),
        };
        Some((name, definition))
    }

    /// A text as the value that is sent. Numbers that JSON cannot hold exactly go as text (section b.5).
    pub fn value(&self, said: &str) -> Value {
        const EXACT: i64 = (1 << 53) - 1;
        let one = |text: &str| match text.parse::<i64>() {
            Ok(n) if self.number && (-EXACT..=EXACT).contains(&n) => Value::from(n),
            _ => Value::from(text),
        };
        if self.multiple {
            Value::Array(said.split(',').map(str::trim).filter(|t| !t.is_empty()).map(one).collect())
        } else {
            one(said)
        }
    }
}

/// Where a role comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum From {
    /// Given to the user.
    User,
    /// Given to a group.
    Group,
    /// The base role of the connection, the role in the organization, or what nobody knows.
    Other,
}

/// One role of a user or group on a model or connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// On which model, where it is on one.
    pub model: Option<String>,
    /// On which connection.
    pub connection: Option<String>,
    /// The role.
    pub role: String,
    /// The role that it counts as.
    pub base: Option<String>,
    /// Its place in the order.
    pub priority: i64,
    /// Whether it is the one that decides.
    pub resolved: bool,
    /// Where it comes from.
    pub from: From,
}

impl Row {
    /// Reads a row; nothing where it has no role.
    pub fn read(value: &Value) -> Option<Self> {
        let kind = get(value, "from").and_then(|f| text(f, "type")).unwrap_or_default();
        let from = match kind.to_ascii_lowercase().as_str() {
            "user role" | "user" => From::User,
            "group role" | "group" => From::Group,
            _ => From::Other,
        };
        Some(Self {
            model: text(value, "modelId"),
            connection: text(value, "connectionId"),
            role: text(value, "roleName")?,
            base: text(value, "baseRole"),
            priority: get(value, "priority").and_then(Value::as_i64).unwrap_or(0),
            resolved: boolean(value, "resolved") == Some(true),
            from,
        })
    }

    /// Reads the rows of an answer.
    pub fn all(value: &Value) -> Vec<Self> {
        list(value, "results").iter().filter_map(Self::read).collect()
    }

    /// Whether the role is one of the connection as a whole: only its administrators hold such a one
    /// (section b.3).
    pub fn is_of_connection(&self) -> bool {
        [Some(self.role.as_str()), self.base.as_deref()].contains(&Some("CONNECTION_ADMIN")) || self.model.is_none()
    }
}

/// Who a permit is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A user, by membership id.
    User(String),
    /// A group, by name: here it has another id than elsewhere.
    Group(String),
    /// The whole organization.
    Organization,
}

/// A permit on a folder or document that was given on it directly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Whose.
    pub holder: Holder,
    /// The role.
    pub role: String,
    /// Whether it lets its holder see more than their role on the model does.
    pub boost: bool,
    /// Whether it is the owner's.
    pub owner: bool,
}

impl Permit {
    /// Reads the direct permits of an answer. What is only inherited is none.
    pub fn all(value: &Value) -> Vec<Self> {
        list(value, "permits").iter().filter_map(Self::read).collect()
    }

    fn read(value: &Value) -> Option<Self> {
        let direct = get(value, "direct")?;
        let group = text(value, "type").is_some_and(|t| t.eq_ignore_ascii_case("userGroup"));
        let organization = !group && text(value, "description").is_some_and(|d| d == "Organization");
        let holder = match (organization, group) {
            (true, _) => Holder::Organization,
            (false, true) => Holder::Group(text(value, "name")?),
            (false, false) => Holder::User(text(value, "id")?),
        };
        Some(Self {
            holder,
            role: text(direct, "role")?.to_ascii_uppercase(),
            boost: boolean(direct, "accessBoost") == Some(true),
            owner: boolean(direct, "isOwner") == Some(true),
        })
    }
}

/// Something with a name: a connection or a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The connection of a model.
    pub connection: Option<String>,
    /// The base role of a connection.
    pub base: Option<String>,
}

impl Named {
    /// Reads a connection.
    pub fn connection(value: &Value) -> Option<Self> {
        let gone = get(value, "deletedAt").is_some();
        let base = text(value, "baseRole");
        let id = text(value, "id").filter(|_| !gone)?;
        Some(Self { id, name: text(value, "name"), connection: None, base })
    }

    /// Reads a model that takes roles: a shared one, or an extension of one.
    pub fn model(value: &Value) -> Option<Self> {
        let gone = get(value, "deletedAt").is_some();
        let kind = text(value, "modelKind")?;
        let takes = ["SHARED", "SHARED_EXTENSION"].iter().any(|k| kind.eq_ignore_ascii_case(k));
        let id = text(value, "id").filter(|_| takes && !gone)?;
        Some(Self { id, name: text(value, "name"), connection: text(value, "connectionId"), base: None })
    }
}

/// A folder of the organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// Its id.
    pub id: String,
    /// Its path, without a slash at either end.
    pub path: String,
    /// Whether it is somebody's own, or lies in such a one.
    pub restricted: bool,
}

impl Folder {
    /// Reads a folder; nothing where it has no path.
    pub fn read(value: &Value) -> Option<Self> {
        let path = text(value, "path")?.trim_matches('/').to_owned();
        let restricted = text(value, "scope").is_some_and(|s| s.eq_ignore_ascii_case("restricted"));
        Some(Self { id: text(value, "id")?, path, restricted })
    }
}

/// A document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// Its identifier.
    pub identifier: String,
    /// Its title.
    pub title: String,
    /// The path of its folder.
    pub folder: Option<String>,
    /// The membership id of its owner.
    pub owner: Option<String>,
    /// Whether it is not one of the organization: it lies in somebody's own folder.
    pub restricted: bool,
}

impl Document {
    /// Reads a document; nothing where it is deleted.
    pub fn read(value: &Value) -> Option<Self> {
        if boolean(value, "deleted") == Some(true) {
            return None;
        }
        let folder = get(value, "folder");
        let restricted =
            |v: Option<&Value>| v.and_then(|v| text(v, "scope")).is_some_and(|s| s.eq_ignore_ascii_case("restricted"));
        Some(Self {
            identifier: text(value, "identifier")?,
            title: text(value, "name").unwrap_or_default(),
            folder: folder.and_then(|f| text(f, "path")).map(|p| p.trim_matches('/').to_owned()),
            owner: get(value, "owner").and_then(|o| text(o, "id")),
            restricted: restricted(Some(value)) || restricted(folder),
        })
    }
}

/// A schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The membership id of its owner.
    pub owner: Option<String>,
}

impl Schedule {
    /// Reads a schedule.
    pub fn read(value: &Value) -> Option<Self> {
        let name = text(value, "name").or_else(|| text(value, "dashboardName")).unwrap_or_default();
        Some(Self { id: text(value, "id")?, name, owner: text(value, "ownerId") })
    }
}

/// A resource of the files, as the instance knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A connection, by id.
    Connection(String),
    /// A model, by id.
    Model(String),
    /// A folder, by id.
    Folder(String),
    /// A document, by identifier.
    Document(String),
}

impl Thing {
    /// Where the permits of a folder or document are.
    pub fn permits(&self) -> Option<String> {
        let encode = crate::targets::http::encode;
        match self {
            Self::Folder(id) => Some(format!("/v1/folders/{}/permissions", encode(id))),
            Self::Document(id) => Some(format!("/v1/documents/{}/permissions", encode(id))),
            Self::Connection(_) | Self::Model(_) => None,
        }
    }
}
