//! The attributes of users and groups: RFC 7643, sections 3.1, 4.1, 4.2 and 4.3, in one table from which
//! `/Schemas` is made and by which every body is checked. And values as they are kept: null, an empty
//! list and no value are the same (section 2.5).

use serde_json::{Map, Value, json};

use super::error::{Result, ScimError};

/// The schema of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The enterprise extension of users.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A text.
    Text,
    /// True or false.
    Boolean,
    /// A time.
    Time,
    /// An address of something.
    Reference,
    /// Base64.
    Binary,
    /// Sub-attributes.
    Complex,
}

/// Who may change a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Everybody.
    ReadWrite,
    /// The server.
    ReadOnly,
    /// Nobody, once it is there.
    Immutable,
    /// Everybody, and nobody sees it.
    WriteOnly,
}

/// An attribute.
#[derive(Debug)]
pub struct Attr {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// What a value is.
    pub of: Type,
    /// Whether there are several.
    pub multi: bool,
    /// Whether it must be there.
    pub required: bool,
    /// Whether upper and lower case differ.
    pub exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// Whether no two resources may have the same.
    pub unique: bool,
    /// Whether it is shown only to those who ask for it by name.
    pub on_request: bool,
    /// Usual values.
    pub usual: &'static [&'static str],
    /// What a reference leads to.
    pub leads_to: &'static [&'static str],
    /// The parts of a complex value.
    pub subs: &'static [Attr],
}

impl Attr {
    const fn new(name: &'static str, of: Type, about: &'static str) -> Self {
        Self {
            name,
            about,
            of,
            multi: false,
            required: false,
            exact: matches!(of, Type::Reference | Type::Binary),
            mutability: Mutability::ReadWrite,
            unique: false,
            on_request: false,
            usual: &[],
            leads_to: &[],
            subs: &[],
        }
    }

    const fn text(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Type::Text, about)
    }

    const fn multi(name: &'static str, subs: &'static [Attr], about: &'static str) -> Self {
        Self { multi: true, subs, ..Self::new(name, Type::Complex, about) }
    }

    const fn link(name: &'static str, leads_to: &'static [&'static str], about: &'static str) -> Self {
        Self { leads_to, ..Self::new(name, Type::Reference, about) }
    }

    const fn with(self, mutability: Mutability) -> Self {
        Self { mutability, ..self }
    }

    const fn usual(self, usual: &'static [&'static str]) -> Self {
        Self { usual, ..self }
    }

    /// A part of a complex value by its name.
    pub fn sub(&self, name: &str) -> Option<&'static Attr> {
        self.subs.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }

    /// As `/Schemas` shows it (RFC 7643, section 7).
    fn describe(&self) -> Value {
        let kind = match self.of {
            Type::Text => "string",
            Type::Boolean => "boolean",
            Type::Time => "dateTime",
            Type::Reference => "reference",
            Type::Binary => "binary",
            Type::Complex => "complex",
        };
        let mutability = match self.mutability {
            Mutability::ReadWrite => "readWrite",
            Mutability::ReadOnly => "readOnly",
            Mutability::Immutable => "immutable",
            Mutability::WriteOnly => "writeOnly",
        };
        let mut body = json!({
            "name": self.name, "type": kind, "multiValued": self.multi, "description": self.about,
            "required": self.required, "mutability": mutability,
            "returned": match self.mutability {
                Mutability::WriteOnly => "never",
                _ if self.on_request => "request",
                _ => "default",
            },
        });
        if let Some(map) = body.as_object_mut() {
            let mut put = |name: &str, value: Value| map.insert(name.to_owned(), value);
            if self.of == Type::Complex {
                put("subAttributes", self.subs.iter().map(Attr::describe).collect());
            } else {
                put("caseExact", json!(self.exact));
                put("uniqueness", json!(if self.unique { "server" } else { "none" }));
            }
            if !self.usual.is_empty() {
                put("canonicalValues", json!(self.usual));
            }
            if self.of == Type::Reference {
                put("referenceTypes", json!(self.leads_to));
            }
        }
        body
    }
}

/// The sub-attributes that most lists have: a value of some type, a name to show, a kind, the main one.
macro_rules! plural {
    ($value:expr, $kinds:expr) => {
        &[
            $value,
            Attr::text("display", "A name to show"),
            Attr::text("type", "What the value is for").usual($kinds),
            Attr::new("primary", Type::Boolean, "Whether it is the main one; at most one is"),
        ]
    };
}

const HOME: &[&str] = &["work", "home", "other"];

/// The attributes that every resource has (RFC 7643, section 3.1).
pub static COMMON: [Attr; 3] = [
    Attr { exact: true, unique: true, ..Attr::text("id", "The server's identifier").with(Mutability::ReadOnly) },
    Attr { exact: true, ..Attr::text("externalId", "The client's identifier") },
    Attr {
        subs: &[
            Attr { exact: true, ..Attr::text("resourceType", "The type").with(Mutability::ReadOnly) },
            Attr::new("created", Type::Time, "When it was made").with(Mutability::ReadOnly),
            Attr::new("lastModified", Type::Time, "When it was changed").with(Mutability::ReadOnly),
            Attr { exact: true, ..Attr::text("location", "Its address").with(Mutability::ReadOnly) },
            Attr { exact: true, ..Attr::text("version", "Its version").with(Mutability::ReadOnly) },
        ],
        mutability: Mutability::ReadOnly,
        ..Attr::new("meta", Type::Complex, "About the resource")
    },
];

static USER_ATTRS: [Attr; 21] = [
    Attr {
        required: true,
        unique: true,
        ..Attr::text("userName", "What the user signs in with; upper and lower case are the same")
    },
    Attr {
        subs: &[
            Attr::text("formatted", "The whole name"),
            Attr::text("familyName", "The family name"),
            Attr::text("givenName", "The given name"),
            Attr::text("middleName", "The middle name"),
            Attr::text("honorificPrefix", "A title in front"),
            Attr::text("honorificSuffix", "A title behind"),
        ],
        ..Attr::new("name", Type::Complex, "The parts of the name")
    },
    Attr::text("displayName", "The name that people see"),
    Attr::text("nickName", "The casual name"),
    Attr::link("profileUrl", &["external"], "A page about the user"),
    Attr::text("title", "The job"),
    Attr::text("userType", "The relation to the organization"),
    Attr::text("preferredLanguage", "The language to speak in"),
    Attr::text("locale", "How numbers and dates are written"),
    Attr::text("timezone", "The time zone, an IANA name"),
    Attr::new("active", Type::Boolean, "Whether the user can come in"),
    Attr::text("password", "Taken and thrown away: this server keeps no secrets").with(Mutability::WriteOnly),
    Attr::multi("emails", plural!(Attr::text("value", "The address"), HOME), "E-mail addresses"),
    Attr::multi(
        "phoneNumbers",
        plural!(Attr::text("value", "The number"), &["work", "home", "mobile", "fax", "pager", "other"]),
        "Telephone numbers",
    ),
    Attr::multi("ims", plural!(Attr::text("value", "The name there"), &[]), "Names in messengers"),
    Attr::multi(
        "photos",
        plural!(Attr::link("value", &["external"], "Where the picture is"), &["photo", "thumbnail"]),
        "Pictures",
    ),
    Attr::multi(
        "addresses",
        &[
            Attr::text("formatted", "The whole address"),
            Attr::text("streetAddress", "Street and number"),
            Attr::text("locality", "The town"),
            Attr::text("region", "The state or region"),
            Attr::text("postalCode", "The postal code"),
            Attr::text("country", "The country, two letters"),
            Attr::text("type", "What the address is for").usual(HOME),
            Attr::new("primary", Type::Boolean, "Whether it is the main one; at most one is"),
        ],
        "Postal addresses",
    ),
    Attr::multi(
        "groups",
        &[
            Attr::text("value", "The identifier of the group").with(Mutability::ReadOnly),
            Attr::link("$ref", &["Group"], "Where the group is").with(Mutability::ReadOnly),
            Attr::text("display", "Its name").with(Mutability::ReadOnly),
            Attr::text("type", "By which way").usual(&["direct", "indirect"]).with(Mutability::ReadOnly),
        ],
        "The groups that the user is in; changed through the group",
    )
    .with(Mutability::ReadOnly),
    Attr::multi("entitlements", plural!(Attr::text("value", "The entitlement"), &[]), "What the user is entitled to"),
    Attr::multi(
        "roles",
        plural!(Attr::text("value", "The role"), &[]),
        "The user's roles; this server gives them no meaning",
    ),
    Attr::multi(
        "x509Certificates",
        plural!(Attr::new("value", Type::Binary, "The certificate"), &[]),
        "Certificates of the user",
    ),
];

static ENTERPRISE_ATTRS: [Attr; 6] = [
    Attr::text("employeeNumber", "The number of the employee"),
    Attr::text("costCenter", "The cost center"),
    Attr::text("organization", "The organization"),
    Attr::text("division", "The division"),
    Attr::text("department", "The department"),
    Attr {
        subs: &[
            Attr::text("value", "The identifier of the manager"),
            Attr::link("$ref", &["User"], "Where the manager is"),
            Attr::text("displayName", "The manager's name").with(Mutability::ReadOnly),
        ],
        ..Attr::new("manager", Type::Complex, "Who the user answers to")
    },
];

static GROUP_ATTRS: [Attr; 2] = [
    Attr { required: true, ..Attr::text("displayName", "The name; several groups may have the same") },
    Attr::multi(
        "members",
        &[
            Attr { exact: true, ..Attr::text("value", "The identifier of the member").with(Mutability::Immutable) },
            Attr::link("$ref", &["User", "Group"], "Where the member is").with(Mutability::Immutable),
            Attr::text("type", "What the member is").usual(&["User", "Group"]).with(Mutability::Immutable),
            Attr { on_request: true, ..Attr::text("display", "Its name").with(Mutability::ReadOnly) },
        ],
        "Who is in it: users and groups",
    ),
];

/// A schema.
#[derive(Debug)]
pub struct Schema {
    /// Its URN.
    pub id: &'static str,
    /// Its name.
    pub name: &'static str,
    /// What it describes.
    pub about: &'static str,
    /// Its attributes.
    pub attrs: &'static [Attr],
}

/// Users.
pub static USER_SCHEMA: Schema = Schema { id: USER, name: "User", about: "A user", attrs: &USER_ATTRS };
/// Groups.
pub static GROUP_SCHEMA: Schema = Schema { id: GROUP, name: "Group", about: "A group", attrs: &GROUP_ATTRS };
/// The extension of users.
pub static ENTERPRISE_SCHEMA: Schema =
    Schema { id: ENTERPRISE, name: "EnterpriseUser", about: "A user of an enterprise", attrs: &ENTERPRISE_ATTRS };
/// All of them.
pub static SCHEMAS: [&Schema; 3] = [&USER_SCHEMA, &GROUP_SCHEMA, &ENTERPRISE_SCHEMA];

impl Schema {
    /// An attribute by its name, whose case does not matter.
    pub fn attr(&self, name: &str) -> Option<&'static Attr> {
        self.attrs.iter().find(|a| a.name.eq_ignore_ascii_case(name))
    }

    /// As `/Schemas` shows it.
    pub fn describe(&self, base: &str) -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.id, "name": self.name, "description": self.about,
            "attributes": self.attrs.iter().map(Attr::describe).collect::<Vec<_>>(),
            "meta": {"resourceType": "Schema", "location": format!("{base}/Schemas/{}", self.id)},
        })
    }
}

/// A type of resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Users.
    User,
    /// Groups.
    Group,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// `User`.
    pub fn name(self) -> &'static str {
        self.schema().name
    }

    /// `Users`.
    pub fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// What its rows are called in a file.
    pub fn row(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }

    /// The core schema.
    pub fn schema(self) -> &'static Schema {
        match self {
            Self::User => &USER_SCHEMA,
            Self::Group => &GROUP_SCHEMA,
        }
    }

    /// The extension, where there is one.
    pub fn extension(self) -> Option<&'static Schema> {
        (self == Self::User).then_some(&ENTERPRISE_SCHEMA)
    }

    /// Where the attribute of a path such as `name.givenName` or `URN:department` is.
    pub fn find(self, text: &str) -> Place {
        let schemas = [Some(self.schema()), self.extension()];
        for schema in schemas.into_iter().flatten() {
            if schema.id.eq_ignore_ascii_case(text) {
                return if schema.id == self.schema().id { Place::Unknown } else { Place::Extension(schema) };
            }
            let rest = text.get(..schema.id.len()).filter(|t| t.eq_ignore_ascii_case(schema.id));
            let rest = rest.and_then(|_| text.get(schema.id.len()..)).and_then(|t| t.strip_prefix(':'));
            if let Some(rest) = rest {
                let extension = (schema.id != self.schema().id).then_some(schema);
                return in_schema(schema, extension, rest);
            }
        }
        match in_schema(self.schema(), None, text) {
            Place::Unknown => {
                let (name, sub) = text.split_once('.').map_or((text, None), |(n, s)| (n, Some(s)));
                let attr = COMMON.iter().find(|a| a.name.eq_ignore_ascii_case(name));
                attr.map_or(Place::Unknown, |attr| part_of(None, attr, sub))
            }
            place => place,
        }
    }
}

/// What a path leads to.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// An attribute, or a part of one; with the extension that it lies in.
    Attr(Option<&'static Schema>, &'static Attr, Option<&'static Attr>),
    /// An extension as a whole.
    Extension(&'static Schema),
    /// Nothing that is known.
    Unknown,
}

fn in_schema(schema: &'static Schema, extension: Option<&'static Schema>, text: &str) -> Place {
    let (name, sub) = text.split_once('.').map_or((text, None), |(n, s)| (n, Some(s)));
    schema.attr(name).map_or(Place::Unknown, |attr| part_of(extension, attr, sub))
}

fn part_of(extension: Option<&'static Schema>, attr: &'static Attr, sub: Option<&str>) -> Place {
    match sub {
        None => Place::Attr(extension, attr, None),
        Some(sub) => attr.sub(sub).map_or(Place::Unknown, |sub| Place::Attr(extension, attr, Some(sub))),
    }
}

/// Whether a value is none: null, an empty list, an empty object.
pub fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

/// A value as it is kept: checked, in the spelling of the schema, without what only the server writes.
/// `None` for no value.
pub fn normal(attr: &Attr, value: &Value, strict: bool) -> Result<Option<Value>> {
    if is_nothing(value) || attr.mutability == Mutability::ReadOnly {
        return Ok(None);
    }
    if !attr.multi {
        return normal_one(attr, value, strict);
    }
    // One value in the place of a list of one: clients do so in PATCH.
    let values = match value {
        Value::Array(list) => list.iter().collect(),
        one => vec![one],
    };
    let mut list: Vec<Value> = Vec::new();
    for value in values {
        // Only objects and texts are equal to others often enough to look for it.
        if let Some(value) = normal_one(attr, value, strict)?
            && (attr.name == "members" || !list.contains(&value))
        {
            list.push(value);
        }
    }
    let mains = list.iter().filter(|v| is_main(v)).count();
    if mains > 1 {
        return Err(ScimError::value(format!(
            "`{}` has {mains} values with `primary`, and at most one may be",
            attr.name
        )));
    }
    Ok((!list.is_empty()).then_some(Value::Array(list)))
}

/// Whether a value of a list is its main one.
pub fn is_main(value: &Value) -> bool {
    value.get("primary") == Some(&Value::Bool(true))
}

/// One value, also of a list.
pub fn normal_one(attr: &Attr, value: &Value, strict: bool) -> Result<Option<Value>> {
    let wrong = |wanted: &str| ScimError::value(format!("`{}` must be {wanted}", attr.name));
    Ok(Some(match (attr.of, value) {
        (_, Value::Null) => return Ok(None),
        (Type::Text | Type::Reference | Type::Binary, Value::String(_)) => value.clone(),
        (Type::Time, Value::String(text)) => {
            text.parse::<jiff::Timestamp>().map_err(|_| wrong("a time like 2026-01-31T12:00:00Z"))?;
            value.clone()
        }
        (Type::Boolean, Value::Bool(_)) => value.clone(),
        // Entra ID says "True" (fact sheet, vendor quirks).
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Value::Bool(true),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Value::Bool(false),
        (Type::Complex, Value::Object(map)) => {
            let mut kept = Map::new();
            for (name, value) in map {
                match attr.sub(name) {
                    Some(sub) => {
                        if let Some(value) = normal(sub, value, strict)? {
                            kept.insert(sub.name.to_owned(), value);
                        }
                    }
                    None if strict => return Err(unknown(&format!("{}.{name}", attr.name))),
                    None => {}
                }
            }
            if kept.is_empty() {
                return Ok(None);
            }
            Value::Object(kept)
        }
        // A list of plain texts in the place of a list of values.
        (Type::Complex, Value::String(text)) if attr.multi && !strict && attr.sub("value").is_some() => {
            json!({"value": text})
        }
        (Type::Text | Type::Reference | Type::Binary, _) => return Err(wrong("a text")),
        (Type::Time, _) => return Err(wrong("a time")),
        (Type::Boolean, _) => return Err(wrong("true or false")),
        (Type::Complex, _) => return Err(wrong("an object")),
    }))
}

fn unknown(name: &str) -> ScimError {
    ScimError::syntax(format!("`{name}` is not in the schema"))
}

/// The attributes of a body that was sent, as they are kept. What is not known is left out, or refused
/// where the server is strict.
pub fn body(kind: Kind, sent: &Map<String, Value>, strict: bool) -> Result<Map<String, Value>> {
    let mut kept = Map::new();
    for (name, value) in sent {
        if name.eq_ignore_ascii_case("schemas") {
            continue;
        }
        match kind.find(name) {
            Place::Attr(None, attr, None) => {
                if attr.mutability != Mutability::WriteOnly
                    && let Some(value) = normal(attr, value, strict)?
                {
                    kept.insert(attr.name.to_owned(), value);
                }
            }
            Place::Extension(schema) => {
                if let Some(value) = extension(schema, value, strict)? {
                    kept.insert(schema.id.to_owned(), value);
                }
            }
            _ if strict => return Err(unknown(name)),
            _ => {}
        }
    }
    Ok(kept)
}

/// The attributes of an extension.
pub fn extension(schema: &Schema, value: &Value, strict: bool) -> Result<Option<Value>> {
    let Value::Object(map) = value else {
        return if is_nothing(value) {
            Ok(None)
        } else {
            Err(ScimError::value(format!("`{}` must be an object", schema.id)))
        };
    };
    let mut kept = Map::new();
    for (name, value) in map {
        match schema.attr(name) {
            Some(attr) => {
                if let Some(value) = normal(attr, value, strict)? {
                    kept.insert(attr.name.to_owned(), value);
                }
            }
            None if strict => return Err(unknown(name)),
            None => {}
        }
    }
    Ok((!kept.is_empty()).then_some(Value::Object(kept)))
}
