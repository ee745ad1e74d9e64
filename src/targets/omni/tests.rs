//! Answers in the shapes of the fact sheet (section b), and what becomes of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::read::read;
use super::session::Session;
use super::shape::{ATTRIBUTES, Definition, Permit, Person, Row};
use super::{OmniWriter, reach};
use crate::model::{
    Catalogue, CatalogueRole, Change, GrantedRole, MemberRecord, Place, PrincipalRecord, ResourceRecord, Said,
    UserRecord, Why,
};
use crate::plan::Reach;
use crate::targets::http::{Answer, Client, Limits, Lost, Method, Request, Transport};
use crate::targets::{Reading, Stamp, TargetError, Task, Wanted, Writer};

const ADA: &str = "11111111-1111-1111-1111-111111111111";
const BEA: &str = "22222222-2222-2222-2222-222222222222";
const EMBED: &str = "99999999-9999-9999-9999-999999999999";

/// What was sent: method, path, body.
type Log = Arc<Mutex<Vec<(String, String, Value)>>>;

/// A server that has an answer for each request, or several, of which the last stays.
struct Canned {
    answers: Mutex<HashMap<String, Vec<Result<Answer, Lost>>>>,
    log: Log,
}

impl Transport for Canned {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move {
            let key = format!("{} {}", request.method.word(), request.path);
            let body = request.body.as_deref().map_or(Value::Null, |b| serde_json::from_slice(b).unwrap());
            self.log.lock().unwrap().push((request.method.word().to_owned(), request.path.clone(), body));
            let mut answers = self.answers.lock().unwrap();
            match answers.get_mut(&key) {
                Some(list) if list.len() > 1 => list.remove(0),
                Some(list) => list[0].clone(),
                None => Ok(Answer { status: 404, body: br#"{"detail":"no"}"#.to_vec(), ..Answer::default() }),
            }
        })
    }
}

#[derive(Default)]
struct Server {
    answers: HashMap<String, Vec<Result<Answer, Lost>>>,
}

impl Server {
    fn on(mut self, key: &str, body: Value) -> Self {
        self.push(key, 200, body);
        self
    }

    fn status(mut self, key: &str, status: u16, body: Value) -> Self {
        self.push(key, status, body);
        self
    }

    fn lost(mut self, key: &str) -> Self {
        self.answers.entry(key.to_owned()).or_default().push(Err(Lost::NoAnswer("reset".to_owned())));
        self
    }

    fn push(&mut self, key: &str, status: u16, body: Value) {
        let answer = Answer { status, body: body.to_string().into_bytes(), ..Answer::default() };
        self.answers.entry(key.to_owned()).or_default().push(Ok(answer));
    }

    fn session(self, wanted: Wanted) -> (Arc<Session>, Log) {
        let log = Log::default();
        let canned = Canned { answers: Mutex::new(self.answers), log: Arc::clone(&log) };
        let client = Client::new(Box::new(canned), Limits::default());
        let session = Session::new(client, Arc::new(catalogue()), wanted, Some("ada@acme.com".to_owned()));
        (Arc::new(session), log)
    }
}

fn catalogue() -> Catalogue {
    let role = |places: &[Place], tier: Option<u32>, aliases: &[&str]| CatalogueRole {
        permissions: Some(Vec::new()),
        places: places.to_vec(),
        tier,
        aliases: aliases.iter().map(|a| (*a).to_owned()).collect(),
        ..CatalogueRole::default()
    };
    let on = &[Place::Resource];
    let mut roles: BTreeMap<String, CatalogueRole> = BTreeMap::new();
    roles.insert("ORG_ADMIN".into(), CatalogueRole { administers: true, ..role(&[Place::User], None, &[]) });
    roles.insert("MEMBER".into(), role(&[Place::User], None, &[]));
    let tiers = [
        ("NO_ACCESS", 0),
        ("VIEWER", 50),
        ("EXPLORER", 100),
        ("QUERIER", 250),
        ("EDITOR", 200),
        ("MANAGER", 300),
        ("MODELER", 350),
        ("CONNECTION_ADMIN", 450),
    ];
    for (name, tier) in tiers {
        roles.insert(name.into(), role(on, Some(tier), &[]));
    }
    roles.insert("QUERY_TOPICS".into(), role(on, Some(150), &["RESTRICTED_QUERIER"]));
    Catalogue { name: "omni".into(), roles, ..Catalogue::default() }
}

fn user(id: &str, email: &str, attributes: Value) -> Value {
    json!({"id": id, "userName": email, "displayName": email.split('@').next(), "active": true,
           "emails": [{"primary": true, "value": email}], ATTRIBUTES: attributes})
}

fn page(things: Vec<Value>) -> Value {
    json!({"Resources": things, "totalResults": things.len(), "startIndex": 1, "itemsPerPage": things.len()})
}

fn records(things: Vec<Value>) -> Value {
    let total = things.len();
    let info = json!({"hasNextPage": false, "nextCursor": null, "pageSize": 100, "totalRecords": total});
    json!({"pageInfo": info, "records": things})
}

/// A small instance, in the shapes of the fact sheet.
fn instance() -> Server {
    let row = |model: &str, role: &str, priority: u32, from: Value, resolved: bool| {
        json!({"modelId": model, "connectionId": "c-1", "roleName": role, "baseRole": role, "priority": priority,
               "resolved": resolved, "from": from})
    };
    let base = || json!({"type": "Connection Base Role"});
    Server::default()
        .on("GET /v1/whoami", json!({"keyScope": "organization", "orgRole": "ORG_ADMIN", "user": {"id": "u", "membershipId": ADA}}))
        .on(
            "GET /scim/v2/users?startIndex=1&count=100",
            page(vec![
                user(ADA, "Ada@acme.com", json!({"region": "west", "tags": ["a", "b"], "level": 3})),
                user(BEA, "bea@acme.com", json!({})),
            ]),
        )
        .on(
            "GET /scim/v2/groups?startIndex=1&count=100",
            page(vec![json!({"id": "mEhXj6ZI", "displayName": "Sales", "members": [
                {"value": ADA, "display": "ada@acme.com"}, {"value": EMBED, "display": "embedded"}]})]),
        )
        .on(
            "GET /v1/user-attributes",
            json!({"records": [
                {"id": "1", "name": "region", "label": "Region", "type": "String", "multiple_values": false, "system": false},
                {"id": "2", "name": "tags", "label": "Tags", "type": "String", "multiple_values": true, "system": false},
                {"id": "3", "name": "level", "label": "Level", "type": "Number", "multiple_values": false, "system": false},
                {"id": "", "name": "omni_user_email", "label": "E-mail", "type": "String", "system": true}]}),
        )
        .on("GET /v1/connections", json!({"connections": [{"id": "c-1", "name": "warehouse", "baseRole": "RESTRICTED_QUERIER"}]}))
        .on(
            "GET /v1/models?pageSize=100",
            records(vec![
                json!({"id": "m-1", "name": "finance", "modelKind": "SHARED", "connectionId": "c-1"}),
                json!({"id": "m-2", "name": "draft", "modelKind": "BRANCH", "connectionId": "c-1"}),
            ]),
        )
        .on(
            &format!("GET /v1/users/{ADA}/model-roles"),
            json!({"membershipId": ADA, "results": [
                row("m-1", "MODELER", 350, json!({"type": "User Role"}), true),
                row("m-1", "QUERIER", 250, json!({"type": "Group Role", "name": "Sales", "miniUuid": "mEhXj6ZI", "depth": 0}), false),
                row("m-1", "QUERY_TOPICS", 150, base(), false)]}),
        )
        // The words of the published description, and a role that the organization has made.
        .on(
            &format!("GET /v1/users/{BEA}/model-roles"),
            json!({"results": [
                {"modelId": "m-1", "connectionId": "c-1", "roleName": "Careful", "baseRole": "VIEWER", "priority": 60,
                 "resolved": false, "from": {"type": "USER"}},
                row("m-1", "QUERY_TOPICS", 150, json!({"type": "BASE"}), true)]}),
        )
        .on(
            "GET /v1/user-groups/mEhXj6ZI/model-roles",
            json!({"userGroupId": "mEhXj6ZI", "results": [
                {"modelId": "m-1", "connectionId": "c-1", "roleName": "QUERIER", "baseRole": "QUERIER", "priority": 250,
                 "from": {"type": "Group Role", "name": "Sales", "miniUuid": "mEhXj6ZI", "depth": 0}},
                {"modelId": "m-1", "connectionId": "c-1", "roleName": "QUERY_TOPICS", "priority": 150, "from": base()}]}),
        )
        .on(
            "GET /v1/folders?pageSize=100&scope=organization",
            records(vec![
                json!({"id": "f-2", "name": "EMEA", "path": "sales/emea"}),
                json!({"id": "f-1", "name": "Sales", "path": "sales"}),
                json!({"id": "f-3", "name": "Mine", "path": "mine", "scope": "restricted"}),
            ]),
        )
        .on(
            "GET /v1/documents?pageSize=100",
            records(vec![
                json!({"identifier": "d1", "name": "Numbers", "scope": "organization", "folder": {"id": "f-1", "path": "sales"},
                       "owner": {"id": BEA, "name": "bea"}, "deleted": false}),
                json!({"identifier": "d2", "name": "Diary", "scope": "restricted", "owner": {"id": BEA, "name": "bea"}}),
                json!({"identifier": "d3", "name": "Old", "scope": "organization", "owner": {"id": BEA}, "deleted": true}),
            ]),
        )
        .on(
            "GET /v1/folders/f-1/permissions",
            json!({"permits": [
                {"id": "org", "name": "Acme", "description": "Organization", "type": "user", "direct": {"role": "VIEWER"}},
                {"id": BEA, "name": "bea", "type": "user", "direct": {"role": "EDITOR", "accessBoost": true, "isOwner": false}},
                {"id": ADA, "name": "ada", "type": "user", "direct": {"role": "MANAGER", "isOwner": true}},
                {"id": EMBED, "name": "embedded", "type": "user", "isEmbed": true, "direct": {"role": "VIEWER"}},
                // Another id than elsewhere: the name is what both have.
                {"id": "3f3f3f3f-0000-0000-0000-000000000000", "name": "Sales", "type": "userGroup", "direct": {"role": "MANAGER"}}]}),
        )
        .on("GET /v1/folders/f-2/permissions", json!({"permits": [{"id": BEA, "name": "bea", "type": "user"}]}))
        .on("GET /v1/documents/d1/permissions", json!({"permits": []}))
}

async fn whole() -> (Reading, Arc<Session>, Log) {
    let (session, log) = instance().session(Wanted::everything());
    let reading = read(&session).await.unwrap();
    (reading, session, log)
}

#[tokio::test]
async fn everything_is_read() {
    let (reading, session, log) = whole().await;
    let d = &reading.directory;
    let ada = d.user(d.find_user("ada@acme.com").unwrap());
    let said =
        |name: &str| ada.attributes.iter().find(|(n, _)| **n == *name).map(|(_, v)| v.value().unwrap().to_string());
    assert_eq!(
        (said("region").as_deref(), said("tags").as_deref(), said("level").as_deref()),
        (Some("west"), Some("a,b"), Some("3"))
    );
    assert_eq!(ada.role.value().map(|r| &*d.role(*r).name), Some("ORG_ADMIN"), "the key says it");
    let bea = d.user(d.find_user("bea@acme.com").unwrap());
    assert_eq!((&bea.role, &bea.timezone), (&Said::Unsaid, &Said::Unsaid), "nobody says it");
    let members: Vec<_> = d.memberships().iter().map(|m| d.member_record(m).user).collect();
    assert_eq!(members, ["ada@acme.com"], "embed users are nobody's to manage");
    let grants: Vec<String> =
        d.grants().iter().map(|g| d.grant_record(g)).map(|g| format!("{} {} {}", g.resource, g.to, g.role)).collect();
    assert_eq!(
        grants,
        [
            "connection/warehouse everyone QUERY_TOPICS",
            "folder/sales bea@acme.com EDITOR",
            "folder/sales team/Sales MANAGER",
            "folder/sales everyone VIEWER",
            "model/finance ada@acme.com MODELER",
            "model/finance bea@acme.com VIEWER",
            "model/finance team/Sales QUERIER",
        ]
    );
    let parent = |name: &str| d.resource_record(d.find_resource(name).unwrap()).parent;
    assert_eq!(parent("folder/sales/emea").as_deref(), Some("folder/sales"));
    assert_eq!(parent("document/d1").as_deref(), Some("folder/sales"));
    assert_eq!(parent("model/finance").as_deref(), Some("connection/warehouse"));
    for none in ["document/d2", "document/d3", "folder/mine", "model/draft"] {
        assert_eq!(d.find_resource(none), None, "{none}");
    }
    insta::assert_snapshot!(reading.notes.join("\n"), @r"
    1 permit is of nobody that rolecall manages (embed users, for example), and left alone
    AccessBoost is on in permits, and is left as it is, on: folder/sales
    members who are no standard users (embed users, for example) stay in: Sales
    roles that this organization has made count as their base roles: Careful (VIEWER)
    ");
    assert!(reading.doubts.is_empty());
    assert_eq!(log.lock().unwrap().len() as u64, session.index().read_with);
}

#[tokio::test]
async fn what_no_file_speaks_of_is_not_asked_for() {
    let asked = |wanted: Wanted| async {
        let (session, log) = instance().session(wanted);
        read(&session).await.unwrap();
        let log = log.lock().unwrap();
        let mut paths: Vec<String> = log.iter().map(|(_, p, _)| p.split('?').next().unwrap().to_owned()).collect();
        paths.sort();
        paths
    };
    let people = ["/scim/v2/groups", "/scim/v2/users", "/v1/user-attributes", "/v1/whoami"];
    assert_eq!(asked(Wanted::default()).await, people);
    let model = Wanted {
        resources: ["model/finance".to_owned()].into(),
        holders: [("model/finance".to_owned(), PrincipalRecord::User("bea@acme.com".into()))].into(),
        ..Wanted::default()
    };
    let mut expected: Vec<String> = people.iter().map(|p| (*p).to_owned()).collect();
    expected.extend(["/v1/connections", "/v1/models"].map(str::to_owned));
    expected.push(format!("/v1/users/{BEA}/model-roles"));
    expected.sort();
    assert_eq!(asked(model).await, expected);
    let folder = Wanted { resources: ["folder/sales".to_owned()].into(), ..Wanted::default() };
    let mut expected: Vec<String> = people.iter().map(|p| (*p).to_owned()).collect();
    expected.extend(["/v1/folders", "/v1/folders/f-1/permissions"].map(str::to_owned));
    expected.sort();
    assert_eq!(asked(folder).await, expected);
}

#[tokio::test]
async fn a_personal_token_and_a_short_list_are_no_reading() {
    let says = "User-scoped API keys are not allowed to access the SCIM API.";
    let mut server = instance();
    server.answers.remove("GET /scim/v2/users?startIndex=1&count=100");
    let server =
        server.status("GET /scim/v2/users?startIndex=1&count=100", 403, json!({"detail": says, "status": 403}));
    let (session, _) = server.session(Wanted::default());
    let error = read(&session).await.unwrap_err();
    assert!(matches!(&error, TargetError::Refused(why) if why.contains(says)), "{error}");

    let mut server = instance();
    server.answers.remove("GET /scim/v2/groups?startIndex=1&count=100");
    let mut short = page(vec![json!({"id": "mEhXj6ZI", "displayName": "Sales"})]);
    short["totalResults"] = json!(2);
    let server = server
        .on("GET /scim/v2/groups?startIndex=1&count=100", short)
        .on("GET /scim/v2/groups?startIndex=2&count=100", json!({"Resources": [], "totalResults": 2}));
    let (session, _) = server.session(Wanted::default());
    let reading = read(&session).await.unwrap();
    assert_eq!(reading.doubts, ["Omni says that there are 2 at /scim/v2/groups, and lists 1"]);
}

#[test]
fn rows_permits_and_values_are_read_in_either_form() {
    let row = |v: Value| Row::read(&v).unwrap();
    let admin =
        row(json!({"modelId": null, "connectionId": "c", "roleName": "CONNECTION_ADMIN", "from": {"type": "USER"}}));
    assert!(admin.is_of_connection());
    assert!(
        !row(json!({"modelId": "m", "connectionId": "c", "roleName": "VIEWER", "from": {"type": "User Role"}}))
            .is_of_connection()
    );
    assert!(Permit::all(&json!({"permits": [{"id": "x", "type": "user"}]})).is_empty(), "inherited only");
    let clear = Person::read(
        &json!({"id": "1", "userName": "a@b.co", ATTRIBUTES: {"a": ["x,y"], "b": [], "c": null, "d": true}}),
    )
    .unwrap();
    assert_eq!(clear.unclear, ["a"]);
    assert_eq!(clear.attributes, BTreeMap::from([("d".to_owned(), "true".to_owned())]));
    let number = Definition { number: true, ..Definition::default() };
    assert_eq!(number.value("12"), json!(12));
    assert_eq!(number.value("9007199254740993"), json!("9007199254740993"), "JSON cannot hold it exactly");
    let many = Definition { multiple: true, ..Definition::default() };
    assert_eq!(many.value("a, b"), json!(["a", "b"]));
    assert_eq!(Definition::default().value("12"), json!("12"));
}

fn record(email: &str) -> UserRecord {
    UserRecord { email: email.to_owned(), name: Some("N".into()), ..UserRecord::default() }
}

fn with(user: &UserRecord, attributes: &[(&str, &str)]) -> UserRecord {
    let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    UserRecord { attributes, ..user.clone() }
}

fn granted(role: &str) -> Vec<GrantedRole> {
    vec![GrantedRole { role: role.to_owned(), until: None, because: None }]
}

fn give(to: &str, resource: &str, role: &str) -> Change {
    let to = match to.strip_prefix("team/") {
        Some(team) => PrincipalRecord::Team(team.to_owned()),
        None if to == "everyone" => PrincipalRecord::Everyone,
        None => PrincipalRecord::User(to.to_owned()),
    };
    Change::GiveGrant { to, resource: resource.to_owned(), roles: granted(role) }
}

#[tokio::test]
async fn what_the_api_cannot_do_is_known_before() {
    let (_, session, _) = whole().await;
    let tell = |change: Change| match reach::reach(&session, &change) {
        Reach::Writes => "writes".to_owned(),
        Reach::Nothing => "nothing".to_owned(),
        Reach::Left => "left".to_owned(),
        Reach::Never { what, help } => format!("never: {what} | {help}"),
        Reach::ByHand(b) => format!("by hand: {} | {}", b.what, b.place),
        Reach::Part(change, b) => format!("part of {}: {:?}", change.object(), b.map(|b| b.what)),
    };
    let new = record("new@acme.com");
    let admin = UserRecord { role: Some("ORG_ADMIN".into()), timezone: Some("Europe/Paris".into()), ..new.clone() };
    let member = UserRecord { role: Some("MEMBER".into()), ..new.clone() };
    let long = "x".repeat(65);
    let team =
        |name: &str| Change::CreateTeam { team: crate::model::TeamRecord { name: name.into(), ..Default::default() } };
    let resource = |name: &str| ResourceRecord { name: name.into(), ..ResourceRecord::default() };
    let update =
        |before: &UserRecord, after: &UserRecord| Change::UpdateUser { before: before.clone(), after: after.clone() };
    let lines = [
        tell(Change::CreateUser { user: member.clone() }),
        tell(Change::CreateUser { user: admin.clone() }),
        tell(Change::CreateUser { user: with(&new, &[("regoin", "west")]) }),
        tell(Change::CreateUser { user: with(&new, &[("omni_user_email", "x")]) }),
        tell(update(&new, &member)),
        tell(update(&member, &UserRecord { role: Some("ORG_ADMIN".into()), ..member.clone() })),
        tell(update(&new, &UserRecord { role: Some("ORG_ADMIN".into()), ..with(&new, &[("region", "east")]) })),
        tell(update(&new, &UserRecord { timezone: Some("Europe/Paris".into()), ..new.clone() })),
        tell(Change::EnableUser { user: new.clone() }),
        tell(Change::RenameUser { from: "a@acme.com".into(), to: "b@acme.com".into() }),
        tell(team("Sales")),
        tell(team(&long)),
        tell(Change::CreateResource { resource: resource("folder/sales/apac") }),
        tell(Change::CreateResource { resource: resource("folder/Sales Stuff") }),
        tell(Change::CreateResource { resource: resource("model/new") }),
        tell(Change::DeleteResource { resource: resource("document/d1"), reason: Why::Undeclared }),
        tell(give("everyone", "model/finance", "VIEWER")),
        tell(give("bea@acme.com", "connection/warehouse", "QUERIER")),
        tell(give("bea@acme.com", "connection/warehouse", "CONNECTION_ADMIN")),
        tell(give("team/Sales", "model/finance", "NO_ACCESS")),
        tell(Change::ChangeGrant {
            to: PrincipalRecord::Everyone,
            resource: "folder/sales".into(),
            before: granted("VIEWER"),
            after: vec![GrantedRole { because: Some("SEC-1".into()), ..granted("VIEWER").remove(0) }],
        }),
        tell(Change::AddDomain {
            domain: crate::model::DomainRecord { name: "acme.com".into(), ..Default::default() },
        }),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

async fn make(session: &Arc<Session>, change: &Change) -> Result<(), TargetError> {
    let stamp = Stamp {
        actor: "t".into(),
        apply: 1,
        digest: "d".into(),
        at: crate::model::Moment::parse("2026-06-01T12:00:00Z").unwrap(),
    };
    OmniWriter::new(Arc::clone(session)).carry_out(&[change], &stamp).await.remove(0)
}

fn sent(log: &Log, method: Method) -> Vec<(String, Value)> {
    let log = log.lock().unwrap();
    log.iter().filter(|(m, ..)| m == method.word()).map(|(_, path, body)| (path.clone(), body.clone())).collect()
}

/// The instance, read, with more answers.
async fn prepared(add: impl FnOnce(Server) -> Server) -> (Arc<Session>, Log) {
    let (session, log) = add(instance()).session(Wanted::everything());
    read(&session).await.unwrap();
    log.lock().unwrap().clear();
    (session, log)
}

#[tokio::test(start_paused = true)]
async fn attributes_are_merged_and_cleared_by_null() {
    let path = format!("GET /scim/v2/users/{ADA}");
    let (session, log) = prepared(|s| {
        s.on(&path, user(ADA, "ada@acme.com", json!({"region": "west", "level": 3})))
            .on(&format!("PATCH /scim/v2/users/{ADA}"), json!({}))
            .on(&path, user(ADA, "ada@acme.com", json!({"tags": ["x", "y"], "level": 3})))
    })
    .await;
    let before = with(&record("ada@acme.com"), &[("region", "west"), ("level", "3")]);
    let after = with(&record("ada@acme.com"), &[("tags", "x, y"), ("level", "3")]);
    make(&session, &Change::UpdateUser { before, after }).await.unwrap();
    let (_, body) = sent(&log, Method::Patch).remove(0);
    assert_eq!(
        body["Operations"],
        json!([{"op": "replace", "value": {ATTRIBUTES: {"region": null, "tags": ["x", "y"]}}}])
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_kept_is_no_success() {
    let path = format!("GET /scim/v2/users/{ADA}");
    let (session, _) = prepared(|s| {
        s.on(&path, user(ADA, "ada@acme.com", json!({}))).on(&format!("PATCH /scim/v2/users/{ADA}"), json!({}))
    })
    .await;
    let before = record("ada@acme.com");
    let change = Change::UpdateUser { before: before.clone(), after: with(&before, &[("region", "east")]) };
    let error = make(&session, &change).await.unwrap_err();
    assert_eq!(error, TargetError::Refused("Omni took the change, and did not keep attribute `region`".into()));
}

#[tokio::test(start_paused = true)]
async fn members_come_and_go_one_by_one_and_nobody_is_dropped() {
    let group = |members: &[&str]| {
        let members: Vec<Value> = members.iter().map(|m| json!({"value": m})).collect();
        json!({"id": "mEhXj6ZI", "displayName": "Sales", "members": members})
    };
    let path = "GET /scim/v2/groups/mEhXj6ZI";
    let (session, log) = prepared(|s| {
        s.on(path, group(&[ADA, EMBED])).lost("PATCH /scim/v2/groups/mEhXj6ZI").on(path, group(&[BEA, EMBED]))
    })
    .await;
    let member = |user: &str| MemberRecord { team: "Sales".into(), user: user.into(), ..MemberRecord::default() };
    let add = Change::AddMember { member: member("bea@acme.com") };
    let remove = Change::RemoveMember { member: member("ada@acme.com"), reason: Why::Undeclared };
    let stamp = Stamp {
        actor: "t".into(),
        apply: 1,
        digest: "d".into(),
        at: crate::model::Moment::parse("2026-06-01T12:00:00Z").unwrap(),
    };
    let results = OmniWriter::new(Arc::clone(&session)).carry_out(&[&add, &remove], &stamp).await;
    assert_eq!(results, [Ok(()), Ok(())], "an answer that was lost is looked at");
    let patches = sent(&log, Method::Patch);
    assert_eq!(patches.len(), 1);
    assert_eq!(
        patches[0].1["Operations"],
        json!([{"op": "remove", "path": format!("members[value eq \"{ADA}\"]")},
               {"op": "add", "path": "members", "value": [{"value": BEA, "display": "bea@acme.com"}]}])
    );
    assert!(sent(&log, Method::Put).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_role_that_does_not_count_is_no_success() {
    let look = format!("GET /v1/users/{BEA}/model-roles?modelId=m-1");
    let rows = |direct: Option<(&str, u32, bool)>, base: (&str, u32)| {
        let mut rows = vec![json!({"modelId": "m-1", "connectionId": "c-1", "roleName": base.0, "priority": base.1,
            "resolved": !direct.is_some_and(|d| d.2), "from": {"type": "Connection Base Role"}})];
        rows.extend(direct.map(|(role, priority, resolved)| {
            json!({"modelId": "m-1", "connectionId": "c-1",
            "roleName": role, "priority": priority, "resolved": resolved, "from": {"type": "User Role"}})
        }));
        json!({"results": rows})
    };
    let post = format!("POST /v1/users/{BEA}/model-roles");
    let run = |after: Value| {
        let (look, post) = (look.clone(), post.clone());
        async move {
            let (session, log) =
                prepared(|s| s.on(&look, rows(None, ("VIEWER", 50))).on(&post, json!({})).on(&look, after)).await;
            (make(&session, &give("bea@acme.com", "model/finance", "QUERIER")).await, sent(&log, Method::Post))
        }
    };
    let (result, posts) = run(rows(Some(("QUERIER", 250, true)), ("VIEWER", 50))).await;
    assert_eq!(result, Ok(()));
    assert_eq!(posts[0].1, json!({"roleName": "QUERIER", "modelId": "m-1"}));
    // The base role is higher: what was given does not count, and nothing is missing.
    assert_eq!(run(rows(Some(("QUERIER", 250, false)), ("MODELER", 350))).await.0, Ok(()));
    let (result, _) = run(rows(Some(("QUERIER", 250, false)), ("VIEWER", 50))).await;
    assert!(matches!(result, Err(TargetError::Refused(why)) if why.contains("VIEWER is what counts")));
}

#[tokio::test(start_paused = true)]
async fn roles_are_taken_away_by_no_access_and_permits_by_delete() {
    let look = format!("GET /v1/users/{ADA}/model-roles?modelId=m-1");
    let row = |role: &str| json!({"results": [{"modelId": "m-1", "connectionId": "c-1", "roleName": role, "from": {"type": "User Role"}}]});
    let permits = "GET /v1/folders/f-1/permissions";
    let (session, log) = prepared(|s| {
        s.on(&look, row("MODELER"))
            .on(&format!("POST /v1/users/{ADA}/model-roles"), json!({}))
            .on(&look, row("NO_ACCESS"))
            .on("DELETE /v1/folders/f-1/permissions", json!({"success": true}))
            .on("PATCH /v1/connections/c-1", json!({"success": true}))
            .on(
                "GET /v1/connections",
                json!({"connections": [{"id": "c-1", "name": "warehouse", "baseRole": "QUERY_TOPICS"}]}),
            )
            .on(
                "GET /v1/connections",
                json!({"connections": [{"id": "c-1", "name": "warehouse", "baseRole": "NO_ACCESS"}]}),
            )
    })
    .await;
    let revoke = |to: PrincipalRecord, resource: &str, role: &str| Change::RevokeGrant {
        to,
        resource: resource.into(),
        roles: granted(role),
        reason: Why::Undeclared,
    };
    let ada = || PrincipalRecord::User("ada@acme.com".into());
    make(&session, &revoke(ada(), "model/finance", "MODELER")).await.unwrap();
    assert_eq!(sent(&log, Method::Post)[0].1, json!({"roleName": "NO_ACCESS", "modelId": "m-1"}));
    make(&session, &revoke(PrincipalRecord::Everyone, "connection/warehouse", "QUERY_TOPICS")).await.unwrap();
    assert_eq!(sent(&log, Method::Patch)[0].1, json!({"baseRole": "NO_ACCESS"}));
    // What is not as the change expects it is left as it is.
    let error =
        make(&session, &revoke(PrincipalRecord::Team("Sales".into()), "folder/sales", "EDITOR")).await.unwrap_err();
    assert_eq!(error, TargetError::Conflict("team/Sales has MANAGER on folder/sales now".into()));
    let taken = revoke(PrincipalRecord::Team("Sales".into()), "folder/sales", "MANAGER");
    let error = make(&session, &taken).await.unwrap_err();
    assert!(matches!(error, TargetError::NotVisible(_)), "the permit is still there: {error}");
    assert_eq!(sent(&log, Method::Delete)[0].1, json!({"userGroupIds": ["mEhXj6ZI"]}), "{permits}");
}
