//! The six operations (fact sheet paradime, section b): their shapes, and what they do.

use serde_json::{Map, Value, json};

use super::faults::{
    ACTIVE_STATUS, CHANGED_NAMES, DISABLED_INVITED, HALF_LIST, ISO_AUDIT, NO_AUDIT, NO_CAPABILITY, NO_UID,
    NO_WORKSPACE_LIST, NULL_LISTS, OBJECT_METADATA, ODD_STATUS, READ_ONLY_KEY, REPEATED_USER, SECOND_INVITATION,
};
use super::graphql::{Field, Literal, Operation};
use super::world::{Account, ROLES, Standing, State};
use crate::sandbox::{Active, Spec};

/// The fields of each type, and the type of each field; nothing for a scalar. Names of result types are
/// those of the sheet's reconstruction.
const TYPES: &[(&str, &[(&str, &str)])] = &[
    (
        "Query",
        &[
            ("listUsers", "ListUsersResult"),
            ("listWorkspaces", "ListWorkspacesResult"),
            ("getAuditLogs", "GetAuditLogsResult"),
        ],
    ),
    ("Mutation", &[("inviteUser", "OkPayload"), ("updateUserAccountType", "OkPayload"), ("disableUser", "OkPayload")]),
    ("ListUsersResult", &[("ok", ""), ("activeUsers", "ActiveUser"), ("invitedUsers", "InvitedUser")]),
    ("ActiveUser", &[("uid", ""), ("email", ""), ("name", ""), ("accountType", "")]),
    ("InvitedUser", &[("email", ""), ("accountType", ""), ("inviteStatus", "")]),
    ("ListWorkspacesResult", &[("ok", ""), ("workspaces", "WorkspaceInfo")]),
    ("WorkspaceInfo", &[("uid", ""), ("name", "")]),
    ("GetAuditLogsResult", &[("auditLogs", "AuditLog")]),
    (
        "AuditLog",
        &[
            ("id", ""),
            ("createdDttm", ""),
            ("updatedDttm", ""),
            ("workspaceId", ""),
            ("workspaceName", ""),
            ("actorType", ""),
            ("actorUserId", ""),
            ("actorEmail", ""),
            ("eventSourceId", ""),
            ("eventSource", ""),
            ("eventId", ""),
            ("eventType", ""),
            ("metadataJson", ""),
        ],
    ),
    ("OkPayload", &[("ok", "")]),
];

/// The arguments of each operation; all must be there.
const ARGUMENTS: &[(&str, &[(&str, &str)])] = &[
    ("inviteUser", &[("email", "String!"), ("accountType", "UserAccountType!")]),
    ("updateUserAccountType", &[("uid", "String!"), ("accountType", "UserAccountType!")]),
    ("disableUser", &[("uid", "String!")]),
];

/// Why an operation is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status; 200 for an error of GraphQL.
    pub status: u16,
    /// The text.
    pub text: String,
}

impl Refusal {
    /// An error of GraphQL.
    pub fn error(text: impl Into<String>) -> Self {
        Self { status: 200, text: text.into() }
    }
}

type Result<T> = std::result::Result<T, Refusal>;

fn fields_of(of: &str) -> &'static [(&'static str, &'static str)] {
    TYPES.iter().find(|(name, _)| *name == of).map_or(&[], |(_, fields)| fields)
}

/// Checks what an operation asks for, before anything is done.
pub fn check(fields: &[Field], of: &str) -> Result<()> {
    for field in fields.iter().filter(|f| f.name != "__typename") {
        let Some((_, kind)) = fields_of(of).iter().find(|(name, _)| *name == field.name) else {
            return Err(Refusal::error(format!("Cannot query field \"{}\" on type \"{of}\".", field.name)));
        };
        let known = ARGUMENTS.iter().find(|(name, _)| *name == field.name).map_or(&[][..], |(_, a)| a);
        for (name, _) in &field.arguments {
            if !known.iter().any(|(n, _)| n == name) {
                let text = format!("Unknown argument \"{name}\" on field \"{of}.{}\".", field.name);
                return Err(Refusal::error(text));
            }
        }
        match (kind.is_empty(), field.fields.is_empty()) {
            (true, false) => {
                let text = format!("Field \"{}\" must not have a selection since it has no subfields.", field.name);
                return Err(Refusal::error(text));
            }
            (false, true) => {
                let text = format!("Field \"{}\" of type \"{kind}\" must have a selection of subfields.", field.name);
                return Err(Refusal::error(text));
            }
            (true, true) => {}
            (false, false) => check(&field.fields, kind)?,
        }
    }
    Ok(())
}

/// What of a value is asked for.
pub fn select(value: &Value, fields: &[Field], of: &str) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| select(item, fields, of)).collect()),
        // A text that a test wants to be an object: it is one scalar.
        Value::Object(_) if fields.is_empty() => value.clone(),
        Value::Object(map) => {
            let mut out = Map::new();
            for field in fields {
                let kind = fields_of(of).iter().find(|(name, _)| *name == field.name).map_or("", |(_, kind)| kind);
                let found = match field.name.as_str() {
                    "__typename" => Value::from(of),
                    name => map.get(name).map_or(Value::Null, |v| select(v, &field.fields, kind)),
                };
                out.insert(field.key().to_owned(), found);
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

/// What an operation is given.
pub struct Cx<'a> {
    /// Everything.
    pub state: &'a mut State,
    /// The faults that the request meets.
    pub faults: &'a Active,
    /// The time.
    pub time: jiff::Timestamp,
    /// The workspace that the request is about; none where an account token names none, and why where it names
    /// a foreign one.
    pub workspace: Result<Option<String>>,
    /// As whom invitations are judged.
    pub acting: Option<&'a str>,
    /// The values of variables.
    pub variables: &'a Map<String, Value>,
    /// The operation that the field stands in.
    pub operation: &'a Operation,
}

impl Cx<'_> {
    fn unless(&self, spec: &'static Spec, text: &str) -> Result<()> {
        match self.faults.value(spec) {
            None => Ok(()),
            Some(status) => Err(Refusal { status: u16::try_from(status).unwrap_or(403), text: text.to_owned() }),
        }
    }

    /// The workspace that must be named.
    fn workspace(&self) -> Result<String> {
        self.workspace.clone()?.ok_or_else(|| Refusal::error("The workspace is missing."))
    }

    /// An argument as text.
    fn argument(&self, field: &Field, name: &str) -> Result<String> {
        let wanted = ARGUMENTS.iter().find(|(f, _)| *f == field.name).map_or(&[][..], |(_, a)| a);
        let wanted = wanted.iter().find(|(n, _)| *n == name).map_or("", |(_, kind)| kind);
        let missing = || {
            let text = format!("Field \"{}\" argument \"{name}\" of type \"{wanted}\" is required.", field.name);
            Refusal::error(text)
        };
        let (_, literal) = field.arguments.iter().find(|(n, _)| n == name).ok_or_else(missing)?;
        let is_enum = wanted.starts_with("UserAccountType");
        let text = match literal {
            Literal::Variable(variable) => self.variable(variable, wanted)?,
            Literal::Enum(text) if is_enum => text.clone(),
            Literal::Json(Value::String(text)) if !is_enum => text.clone(),
            other => {
                let shown = match other {
                    Literal::Enum(text) => text.clone(),
                    Literal::Json(value) => value.to_string(),
                    Literal::Variable(name) => format!("${name}"),
                };
                return Err(Refusal::error(format!("Expected value of type \"{wanted}\", found {shown}.")));
            }
        };
        if is_enum && !ROLES.contains(&text.as_str()) {
            let text = format!("Value \"{text}\" does not exist in \"UserAccountType\" enum.");
            return Err(Refusal::error(text));
        }
        Ok(text)
    }

    fn variable(&self, name: &str, wanted: &str) -> Result<String> {
        let declared = self.operation.variables.iter().find(|(n, ..)| n == name);
        let Some((_, kind, default)) = declared else {
            return Err(Refusal::error(format!("Variable \"${name}\" is not defined.")));
        };
        if kind != wanted && !(default.is_some() && format!("{kind}!") == wanted) {
            let text = format!("Variable \"${name}\" of type \"{kind}\" used in position expecting type \"{wanted}\".");
            return Err(Refusal::error(text));
        }
        match (self.variables.get(name), default) {
            (Some(Value::String(text)), _) => Ok(text.clone()),
            (None, Some(Literal::Enum(text) | Literal::Json(Value::String(text)))) => Ok(text.clone()),
            (None | Some(Value::Null), _) => {
                Err(Refusal::error(format!("Variable \"${name}\" of required type \"{kind}\" was not provided.")))
            }
            (Some(other), _) => Err(Refusal::error(format!("Variable \"${name}\" got invalid value {other}."))),
        }
    }
}

/// Does what one field asks for; its whole answer.
pub fn run(cx: &mut Cx<'_>, field: &Field) -> Result<Value> {
    const NOT_ALLOWED: &str = "The API key does not have the required capability.";
    match field.name.as_str() {
        "__typename" => Ok(Value::from(if cx.operation.mutation { "Mutation" } else { "Query" })),
        "listWorkspaces" => {
            cx.unless(&NO_WORKSPACE_LIST, NOT_ALLOWED)?;
            let all = cx.state.workspaces.iter().map(|(uid, w)| json!({"uid": uid, "name": w.name}));
            let list: Value = all.collect();
            Ok(json!({"ok": true, "workspaces": if cx.faults.has(&NULL_LISTS) { Value::Null } else { list }}))
        }
        "getAuditLogs" => {
            if cx.faults.has(&NO_AUDIT) {
                return Err(Refusal::error("Audit logs are not available on this plan."));
            }
            Ok(json!({"auditLogs": audit(cx)}))
        }
        "listUsers" => {
            cx.unless(&NO_CAPABILITY, NOT_ALLOWED)?;
            list_users(cx)
        }
        name => {
            cx.unless(&NO_CAPABILITY, NOT_ALLOWED)?;
            cx.unless(&READ_ONLY_KEY, NOT_ALLOWED)?;
            match name {
                "inviteUser" => invite(cx, field)?,
                "updateUserAccountType" => update(cx, field)?,
                _ => disable(cx, field)?,
            }
            Ok(json!({"ok": true}))
        }
    }
}

fn list_users(cx: &Cx<'_>) -> Result<Value> {
    let workspace = cx.workspace()?;
    let of = |standing: &dyn Fn(Standing) -> bool| -> Vec<&Account> {
        let all = cx.state.accounts.iter().map(|(_, a)| a).filter(|a| a.workspace == workspace);
        all.filter(|a| standing(a.standing)).collect()
    };
    let email = |a: &Account| {
        let mut signs = a.email.chars();
        match signs.next().filter(|_| cx.faults.has(&CHANGED_NAMES)) {
            Some(first) => first.to_uppercase().chain(signs).collect(),
            None => a.email.clone(),
        }
    };
    let active = |a: &Account| json!({"uid": a.uid, "email": email(a), "name": a.name, "accountType": a.role});
    let sent = match () {
        () if cx.faults.has(&ODD_STATUS) => "QUEUED",
        () if cx.faults.has(&ACTIVE_STATUS) => "ACTIVE",
        () => "SENT",
    };
    let invited = |a: &Account| {
        let status = if a.standing == Standing::Expired { "EXPIRED" } else { sent };
        json!({"email": email(a), "accountType": a.role, "inviteStatus": status})
    };
    let mut active: Vec<Value> = of(&|s| s == Standing::Active).into_iter().map(active).collect();
    if let Some(last) = active.last_mut().filter(|_| cx.faults.has(&NO_UID)) {
        last["uid"] = Value::Null;
    }
    let invited: Vec<Value> =
        of(&|s| matches!(s, Standing::Invited | Standing::Expired)).into_iter().map(invited).collect();
    let badly = |mut list: Vec<Value>| {
        if let Some(percent) = cx.faults.value(&HALF_LIST) {
            list.truncate(list.len() * usize::try_from(percent.min(100)).unwrap_or(100) / 100);
        }
        if cx.faults.has(&REPEATED_USER) {
            list.extend(list.first().cloned());
        }
        if cx.faults.has(&NULL_LISTS) { Value::Null } else { Value::Array(list) }
    };
    Ok(json!({"ok": true, "activeUsers": badly(active), "invitedUsers": badly(invited)}))
}

fn audit(cx: &Cx<'_>) -> Value {
    let (iso, object) = (cx.faults.has(&ISO_AUDIT), cx.faults.has(&OBJECT_METADATA));
    let word = |text: &str| if iso { text.to_uppercase() } else { text.to_owned() };
    let rows = cx.state.events.iter().map(|(id, event)| {
        let at = if iso { event.at.replacen(' ', "T", 1) + "+00:00" } else { event.at.clone() };
        let workspace = cx.state.workspaces.get(&event.workspace);
        // Only `bolt` and its number are published.
        let source = ["bolt", "app", "api"].iter().position(|s| *s == event.source).unwrap_or(9);
        let metadata = if object { event.metadata.clone() } else { Value::from(event.metadata.to_string()) };
        json!({
            "id": id.parse::<u64>().unwrap_or_default(), "createdDttm": at, "updatedDttm": at,
            "workspaceId": workspace.map_or(0, |w| w.number),
            "workspaceName": workspace.map_or("", |w| w.name.as_str()),
            "actorType": word(&event.actor_type), "actorUserId": u64::from(event.actor.is_some()),
            "actorEmail": event.actor, "eventSourceId": source, "eventSource": word(&event.source),
            "eventId": 900, "eventType": word(&event.kind), "metadataJson": metadata,
        })
    });
    rows.collect()
}

/// Who may invite whom, as a user who is signed in (fact sheet, section d); row by row of the page.
fn may_invite(acting: &str, role: &str) -> bool {
    match acting {
        "ADMIN" => role != "SANDBOX_USER",
        "WORKSPACE_SETTINGS_ADMIN" | "WORKSPACE_ADMIN" => {
            ["WORKSPACE_SETTINGS_ADMIN", "WORKSPACE_ADMIN", "DEVELOPER", "ANALYST", "BUSINESS"].contains(&role)
        }
        "DEVELOPER" => ["DEVELOPER", "ANALYST", "BUSINESS"].contains(&role),
        "ANALYST" | "BUSINESS" => ["ANALYST", "BUSINESS"].contains(&role),
        _ => false,
    }
}

fn invite(cx: &mut Cx<'_>, field: &Field) -> Result<()> {
    let (email, role) = (cx.argument(field, "email")?, cx.argument(field, "accountType")?);
    let workspace = cx.workspace()?;
    let parts: Vec<&str> = email.trim().split('@').collect();
    if !matches!(parts.as_slice(), [local, domain] if !local.is_empty() && domain.contains('.')) {
        return Err(Refusal::error("The email address is not valid."));
    }
    if let Some(acting) = cx.acting.filter(|acting| !may_invite(acting, &role)) {
        return Err(Refusal::error(format!("{acting} cannot invite users as {role}.")));
    }
    let refused = |what: &str| Err(Refusal::error(format!("User {what}.")));
    let again = match cx.state.account(&workspace, &email).map(|a| a.standing) {
        None => None,
        Some(Standing::Active) => return refused("already exists"),
        Some(Standing::Disabled) if !cx.faults.has(&DISABLED_INVITED) => return refused("is disabled"),
        Some(Standing::Invited | Standing::Expired) if !cx.faults.has(&SECOND_INVITATION) => {
            return refused("is already invited");
        }
        Some(_) => cx.state.account(&workspace, &email).cloned(),
    };
    let mut account = match again {
        Some(known) => Account { role, ..known },
        None => cx.state.fresh(&workspace, &email, &role, Standing::Invited),
    };
    account.standing = Standing::Invited;
    let metadata = json!({"user": {"email": account.email}, "account_type": account.role});
    cx.state.put(account);
    cx.state.tell(cx.time, &workspace, None, "assumed_user_invited", metadata);
    Ok(())
}

fn by_uid(cx: &Cx<'_>, workspace: &str, uid: &str) -> Result<Account> {
    let found = cx.state.accounts.find(|a| a.uid == uid && a.workspace == workspace && a.standing == Standing::Active);
    found.map(|(_, a)| a.clone()).ok_or_else(|| Refusal::error("User not found."))
}

fn update(cx: &mut Cx<'_>, field: &Field) -> Result<()> {
    let (uid, role) = (cx.argument(field, "uid")?, cx.argument(field, "accountType")?);
    let workspace = cx.workspace()?;
    let account = by_uid(cx, &workspace, &uid)?;
    let metadata = json!({"user": {"email": account.email}, "from": account.role, "to": role});
    cx.state.put(Account { role, ..account });
    cx.state.tell(cx.time, &workspace, None, "assumed_account_type_updated", metadata);
    Ok(())
}

fn disable(cx: &mut Cx<'_>, field: &Field) -> Result<()> {
    let uid = cx.argument(field, "uid")?;
    let workspace = cx.workspace()?;
    let account = by_uid(cx, &workspace, &uid)?;
    let metadata = json!({"user": {"email": account.email}});
    cx.state.put(Account { standing: Standing::Disabled, ..account });
    cx.state.tell(cx.time, &workspace, None, "assumed_user_disabled", metadata);
    Ok(())
}

/// The type of what an operation answers.
pub fn type_of(operation: &str) -> &'static str {
    let roots = fields_of("Query").iter().chain(fields_of("Mutation"));
    roots.copied().find(|(name, _)| *name == operation).map_or("", |(_, kind)| kind)
}
