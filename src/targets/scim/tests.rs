//! What no sandbox does: servers that are worse than that, each as a function of a request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::write::ScimWriter;
use super::{ScimReader, Session, Settings};
use crate::model::{Catalogue, CatalogueRole, Change, MemberRecord, Moment, UserRecord, Why};
use crate::targets::http::{Answer, Client, Limits, Lost, Method, Request, Transport};
use crate::targets::{Reader, Stamp, TargetError, Task, Writer};

/// The requests so far.
type Requests = Arc<Mutex<Vec<String>>>;

type Handler = Box<dyn Fn(&Request) -> (u16, Value) + Send + Sync>;

struct Fake {
    handler: Handler,
    log: Arc<Mutex<Vec<String>>>,
}

impl Transport for Fake {
    fn send<'a>(&'a self, request: &'a Request) -> Task<'a, Result<Answer, Lost>> {
        Box::pin(async move {
            self.log.lock().unwrap().push(format!("{} {}", request.method.word(), request.path));
            let (status, body) = (self.handler)(request);
            Ok(Answer { status, body: body.to_string().into_bytes(), ..Answer::default() })
        })
    }
}

fn session(handler: Handler) -> (Arc<Session>, Arc<Mutex<Vec<String>>>) {
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = Client::new(Box::new(Fake { handler, log: Arc::clone(&log) }), Limits::default());
    let settings = Settings::read(&BTreeMap::new()).unwrap();
    (Arc::new(Session::new(client, settings, Arc::new(Catalogue::default()))), log)
}

fn page(all: &[Value], request: &Request, total: usize) -> Value {
    let number = |name: &str| {
        let query = request.path.split_once('?').map_or("", |(_, q)| q);
        query.split('&').find_map(|p| p.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok())
    };
    let start = number("startIndex").unwrap_or(1).max(1) - 1;
    let count = number("count").unwrap_or(10).min(10);
    let items: Vec<&Value> = all.iter().skip(start).take(count).collect();
    json!({"totalResults": total, "Resources": items})
}

fn user(n: usize) -> Value {
    json!({"id": format!("id{n}"), "userName": format!("u{n}@acme.com"), "active": true})
}

fn stamp() -> Stamp {
    Stamp { actor: "test".into(), apply: 1, digest: String::new(), at: Moment::from_second(0) }
}

fn remove(team: &str, user: &str) -> Change {
    let member = MemberRecord { team: team.into(), user: user.into(), ..MemberRecord::default() };
    Change::RemoveMember { member, reason: Why::Undeclared }
}

/// A server that takes `remove` for "all of them", in whichever form.
#[tokio::test(start_paused = true)]
async fn whoever_is_lost_is_put_back() {
    for broken in ["filter", "values"] {
        let members: Arc<Mutex<Vec<String>>> = Arc::new(Mutex::new(vec!["id1".into(), "id2".into(), "id3".into()]));
        let held = Arc::clone(&members);
        let (session, _) = session(Box::new(move |request| {
            let mut members = held.lock().unwrap();
            let path = request.path.as_str();
            if path.starts_with("/Users?") {
                let all: Vec<Value> = (1..=3).map(user).collect();
                return (200, page(&all, request, 3));
            }
            if request.method == Method::Patch {
                let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
                let operation = &body["Operations"][0];
                let values = operation["value"].as_array().cloned().unwrap_or_default();
                let values: Vec<String> = values.iter().map(|v| v["value"].as_str().unwrap().to_owned()).collect();
                match (operation["op"].as_str().unwrap(), values.is_empty()) {
                    ("add", _) => members.extend(values),
                    ("remove", true) if broken == "filter" => members.clear(),
                    ("remove", true) => return (400, json!({"scimType": "invalidPath"})),
                    _ => members.clear(),
                }
                return (204, Value::Null);
            }
            if request.method == Method::Put {
                let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
                *members =
                    body["members"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap().into()).collect();
            }
            let listed: Vec<Value> = members.iter().map(|m| json!({"value": m})).collect();
            let group = json!({"id": "g", "displayName": "core", "members": listed});
            match path {
                "/Groups/g" => (200, group),
                _ if path.starts_with("/Groups?") => (200, json!({"totalResults": 1, "Resources": [group]})),
                _ => (404, json!({})),
            }
        }));
        ScimReader::new(Arc::clone(&session)).read().await.unwrap();
        let writer = ScimWriter::new(session);
        let change = remove("core", "u2@acme.com");
        // The one that is to go may go with the others: nobody else does.
        let results = writer.carry_out(&[&change], &stamp()).await;
        assert_eq!(results, [Ok(())], "{broken}");
        let mut left = members.lock().unwrap().clone();
        left.sort();
        assert_eq!(left, ["id1", "id3"], "{broken}");
    }
}

/// The number of the page for the total: it is noticed where a list ends exactly where its page ends.
#[tokio::test(start_paused = true)]
async fn a_total_that_is_that_of_the_page_is_noticed() {
    let all: Vec<Value> = (0..25).map(user).collect();
    let (session, log) = session(Box::new(move |request| {
        if request.path.starts_with("/ServiceProviderConfig") {
            return (200, json!({"filter": {"supported": true, "maxResults": 10}}));
        }
        if !request.path.starts_with("/Users?") {
            return (200, json!({"totalResults": 0}));
        }
        let mut answer = page(&all, request, 0);
        answer["totalResults"] = json!(answer["Resources"].as_array().unwrap().len());
        (200, answer)
    }));
    let reading = ScimReader::new(session).read().await.unwrap();
    assert_eq!(reading.directory.users().len(), 25);
    assert_eq!(reading.doubts.len(), 1, "{:?}", reading.doubts);
    assert!(log.lock().unwrap().len() >= 4);
}

/// A server that gives the same page for ever does not hold anybody for ever.
#[tokio::test(start_paused = true)]
async fn the_same_page_for_ever_ends() {
    let (session, log) = session(Box::new(|request| {
        if request.path.starts_with("/Users?") {
            return (200, json!({"totalResults": 1000, "Resources": (0..10).map(user).collect::<Vec<_>>()}));
        }
        (200, json!({"totalResults": 0, "Resources": []}))
    }));
    let reading = ScimReader::new(session).read().await.unwrap();
    assert_eq!((reading.directory.users().len(), reading.doubts.len()), (10, 1));
    assert!(log.lock().unwrap().len() < 200);
}

/// What is no list is no empty list.
#[tokio::test(start_paused = true)]
async fn what_is_no_list_is_not_taken_for_an_empty_one() {
    for body in [json!({}), json!({"error": "x"}), json!("text"), json!({"totalResults": 3, "Resources": "none"})] {
        let (session, _) = session(Box::new(move |request| {
            if request.path.starts_with("/Users?") { (200, body.clone()) } else { (200, json!({"totalResults": 0})) }
        }));
        let read = ScimReader::new(session).read().await;
        assert!(matches!(read, Err(TargetError::Malformed(_))), "{read:?}");
    }
}

/// Odd accounts and groups are named and left alone, and block nobody else.
#[tokio::test(start_paused = true)]
async fn odd_things_are_set_aside() {
    let users = json!([
        {"id": "1", "userName": "ada@acme.com"},
        {"id": "2", "userName": "robot"},
        {"id": "3", "userName": "x1", "emails": [{"value": "two@acme.com"}]},
        {"id": "4", "userName": "x2", "emails": [{"value": "two@acme.com"}]},
        {"id": "5", "userName": "old", "emails": [{"value": "ADA@acme.com"}]},
    ]);
    let groups = json!([
        {"id": "a", "displayName": "same"}, {"id": "b", "displayName": "same"},
        {"id": "c", "displayName": "core", "members": [{"value": "1"}, {"value": "ADA@acme.com"}, {"value": "999"},
            {"value": "d", "type": "Group"}]},
        {"id": "d", "displayName": "inner"},
    ]);
    let (session, _) = session(Box::new(move |request| {
        let of = |all: &Value| json!({"totalResults": all.as_array().unwrap().len(), "Resources": all});
        match request.path.split('?').next().unwrap() {
            "/Users" => (200, of(&users)),
            "/Groups" => (200, of(&groups)),
            _ => (404, json!({})),
        }
    }));
    let reading = ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let live = &reading.directory;
    assert_eq!(live.users().iter().map(|u| &*u.email).collect::<Vec<_>>(), ["ada@acme.com"]);
    assert_eq!(live.teams().iter().map(|t| &*t.name).collect::<Vec<_>>(), ["core", "inner"]);
    assert_eq!(live.memberships().len(), 1, "one person by two names is one member");
    assert_eq!(live.team_record(live.find_team("inner").unwrap()).outer.as_deref(), Some("core"));
    assert_eq!(
        reading.notes,
        [
            "1 account is without an e-mail address, left alone: robot",
            "1 membership is of nobody that rolecall manages, and left alone, in: core",
            "2 accounts have the e-mail address two@acme.com: all of them are left alone",
            "2 groups are called `same`: all of them are left alone",
            "another account has the e-mail address ada@acme.com as well, and is left alone",
        ]
    );
    let writer = ScimWriter::new(session);
    let results = writer.carry_out(&[&remove("same", "ada@acme.com")], &stamp()).await;
    assert!(matches!(&results[..], [Err(TargetError::Conflict(_))]), "{results:?}");
}

/// How a server with users `id1`... and the group `core` treats members.
#[derive(Clone, Copy)]
struct Odd {
    users: usize,
    /// Whether the group shows them.
    shows: bool,
    /// Whether the users show their groups.
    users_show: bool,
    patch: bool,
    /// How often a removal may be asked for before it is taken for "all of them".
    sane_removals: usize,
    /// Whether `add` is taken for "these alone".
    add_replaces: bool,
    /// How many `add` are taken before the others are refused.
    adds: usize,
    /// How many times the first member is dropped when the whole group is put.
    put_drops: usize,
}

const FAIR: Odd = Odd {
    users: 4,
    shows: true,
    users_show: false,
    patch: true,
    sane_removals: 99,
    add_replaces: false,
    adds: 99,
    put_drops: 0,
};

type Members = Arc<Mutex<Vec<String>>>;

fn odd(odd: Odd, first: &[&str]) -> (Arc<Session>, Members, Arc<Mutex<Vec<String>>>) {
    let members: Members = Arc::new(Mutex::new(first.iter().map(|m| (*m).to_owned()).collect()));
    let held = Arc::clone(&members);
    let counts = Mutex::new((0, 0, 0));
    let (session, log) = session(Box::new(move |request| {
        let mut members = held.lock().unwrap();
        let path = request.path.as_str();
        let of = |n: usize| {
            let mut user = user(n);
            if odd.users_show && members.contains(&format!("id{n}")) {
                user["groups"] = json!([{"value": "g"}]);
            }
            user
        };
        if path.starts_with("/Users?") {
            let all: Vec<Value> = (1..=odd.users).map(of).collect();
            return (200, page(&all, request, odd.users));
        }
        if let Some(n) = path.strip_prefix("/Users/id") {
            return (200, of(n.parse().unwrap()));
        }
        let body: Value = request.body.as_ref().map_or(Value::Null, |b| serde_json::from_slice(b).unwrap());
        let values = |list: &Value| -> Vec<String> {
            list.as_array().into_iter().flatten().map(|v| v["value"].as_str().unwrap().to_owned()).collect()
        };
        match request.method {
            Method::Patch if !odd.patch => return (501, Value::Null),
            Method::Patch => {
                let mut counts = counts.lock().unwrap();
                for operation in body["Operations"].as_array().unwrap() {
                    let path = operation["path"].as_str().unwrap();
                    let named = path.split('"').nth(1).map(str::to_owned);
                    let values: Vec<String> = values(&operation["value"]).into_iter().chain(named).collect();
                    if operation["op"] == "add" {
                        counts.0 += 1;
                        if counts.0 > odd.adds {
                            return (403, json!({"detail": "enough"}));
                        }
                        if odd.add_replaces {
                            members.clear();
                        }
                        members.extend(values);
                    } else {
                        counts.1 += 1;
                        members.retain(|m| counts.1 <= odd.sane_removals && !values.contains(m));
                    }
                }
                return (204, Value::Null);
            }
            Method::Put => {
                let mut counts = counts.lock().unwrap();
                counts.2 += 1;
                let drops = usize::from(counts.2 <= odd.put_drops);
                *members = values(&body["members"]).into_iter().skip(drops).collect();
            }
            _ => {}
        }
        let listed: Vec<Value> = members.iter().filter(|_| odd.shows).map(|m| json!({"value": m})).collect();
        let group = json!({"id": "g", "displayName": "core", "members": listed});
        match path {
            "/Groups/g" => (200, group),
            _ if path.starts_with("/Groups?") => (200, json!({"totalResults": 1, "Resources": [group]})),
            _ => (404, json!({})),
        }
    }));
    (session, members, log)
}

fn sorted(members: &Members) -> Vec<String> {
    let mut all = members.lock().unwrap().clone();
    all.sort();
    all
}

fn add(team: &str, user: &str) -> Change {
    let member = MemberRecord { team: team.into(), user: user.into(), ..MemberRecord::default() };
    Change::AddMember { member }
}

async fn carry_out(session: &Arc<Session>, changes: &[Change]) -> Vec<Result<(), TargetError>> {
    let changes: Vec<&Change> = changes.iter().collect();
    ScimWriter::new(Arc::clone(session)).carry_out(&changes, &stamp()).await
}

/// A group that does not show who is in it is never put as a whole: everybody would be gone.
#[tokio::test(start_paused = true)]
async fn a_group_that_hides_its_members_is_never_put() {
    for (users_show, patch) in [(true, false), (false, false), (false, true)] {
        let (session, members, log) = odd(Odd { shows: false, users_show, patch, ..FAIR }, &["id1", "id2"]);
        let reading = ScimReader::new(Arc::clone(&session)).read().await.unwrap();
        assert_eq!(reading.doubts.len(), usize::from(!users_show), "{:?}", reading.doubts);
        let results = carry_out(&session, &[add("core", "u3@acme.com")]).await;
        let rename = Change::RenameTeam { from: "core".into(), to: "other".into() };
        if patch {
            assert!(matches!(&results[..], [Err(TargetError::NotVisible(_))]), "{results:?}");
            assert_eq!(sorted(&members), ["id1", "id2", "id3"]);
        } else {
            assert!(
                matches!(&results[..], [Err(TargetError::Refused(why))] if why.contains("shows no members")),
                "{results:?}"
            );
            let results = carry_out(&session, &[rename]).await;
            assert!(
                matches!(&results[..], [Err(TargetError::Refused(why))] if why.contains("shows no members")),
                "{results:?}"
            );
            assert_eq!(sorted(&members), ["id1", "id2"]);
        }
        assert!(!log.lock().unwrap().iter().any(|l| l.starts_with("PUT")), "{users_show} {patch}");
    }
}

/// A removal that has worked once is watched as before, and one that takes out others is not used again.
#[tokio::test(start_paused = true)]
async fn others_are_put_back_every_time() {
    let (session, members, log) = odd(Odd { users: 6, sane_removals: 1, ..FAIR }, &["id1", "id2", "id3", "id4", "id5"]);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    for (n, left) in [(1, vec!["id2", "id3", "id4", "id5"]), (2, vec!["id3", "id4", "id5"]), (3, vec!["id4", "id5"])] {
        let results = carry_out(&session, &[remove("core", &format!("u{n}@acme.com"))]).await;
        assert_eq!((results, sorted(&members)), (vec![Ok(())], left.into_iter().map(str::to_owned).collect()), "{n}");
    }
    let patches = log.lock().unwrap().iter().filter(|l| l.starts_with("PATCH")).count();
    // Two by a filter, the second of them harmful; one by a list, harmful; and what was lost put back twice.
    assert_eq!(patches, 5);
}

/// The same for servers that take an addition for the whole.
#[tokio::test(start_paused = true)]
async fn who_joins_drives_nobody_out() {
    let (session, members, _) = odd(Odd { add_replaces: true, ..FAIR }, &["id1", "id2"]);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    for (n, count) in [(3, 3), (4, 4)] {
        let results = carry_out(&session, &[add("core", &format!("u{n}@acme.com"))]).await;
        assert_eq!((results, sorted(&members).len()), (vec![Ok(())], count), "{n}");
    }
    assert!(session.learned().add_harms);
}

/// Who is lost when the whole group is put is put back, that is told, and the group is not put again; where it
/// cannot be made good, that is said.
#[tokio::test(start_paused = true)]
async fn a_group_is_not_put_again_where_that_loses_members() {
    let (session, members, _) = odd(Odd { patch: false, put_drops: 1, ..FAIR }, &["id1", "id2"]);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let results = carry_out(&session, &[add("core", "u3@acme.com")]).await;
    assert_eq!((results, sorted(&members).len()), (vec![Ok(())], 3));
    assert!(session.learned().put_harms);
    let notes = ScimWriter::new(Arc::clone(&session)).notes();
    assert!(matches!(&notes[..], [note] if note.contains("1 other member out of the group `core`")), "{notes:?}");
    let results = carry_out(&session, &[add("core", "u4@acme.com")]).await;
    assert!(
        matches!(&results[..], [Err(TargetError::Refused(why))] if why.contains("has taken others out")),
        "{results:?}"
    );
    assert_eq!(sorted(&members), ["id1", "id2", "id3"]);

    let (session, members, _) = odd(Odd { patch: false, put_drops: 99, ..FAIR }, &["id1", "id2"]);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let results = carry_out(&session, &[add("core", "u3@acme.com")]).await;
    assert!(
        matches!(&results[..], [Err(TargetError::Unknown(why))] if why.contains("could not be put back")),
        "{results:?}"
    );
    assert!(members.lock().unwrap().len() < 3);
}

/// Where the second request of two is refused, what the first has done is not reported as undone.
#[tokio::test(start_paused = true)]
async fn what_was_done_before_a_refusal_is_seen() {
    let (session, members, _) = odd(Odd { users: 150, adds: 1, ..FAIR }, &[]);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let changes: Vec<Change> = (1..=150).map(|n| add("core", &format!("u{n}@acme.com"))).collect();
    let results = carry_out(&session, &changes).await;
    assert_eq!(members.lock().unwrap().len(), 100);
    assert_eq!(results.iter().filter(|r| r.is_ok()).count(), 100);
    assert_eq!(results.iter().filter(|r| matches!(r, Err(TargetError::Unknown(_)))).count(), 50, "{:?}", results[149]);
}

/// A list may leave members out, of all groups or of some: those groups are asked for.
#[tokio::test(start_paused = true)]
async fn groups_that_say_nothing_are_asked() {
    for all_silent in [true, false] {
        let (session, _) = session(Box::new(move |request| {
            let group = |id: &str, members: &[&str], silent: bool| {
                let mut group = json!({"id": id, "displayName": id});
                if !silent {
                    group["members"] = members.iter().map(|m| json!({"value": m})).collect();
                }
                group
            };
            let groups = |list: bool| {
                let silent = |id| list && (all_silent || id == "b");
                [("a", &["id1"][..]), ("b", &["id2"]), ("c", &[])]
                    .map(|(id, m)| group(id, m, silent(id) || (!list && id == "c")))
            };
            match request.path.split('?').next().unwrap() {
                "/Users" => (200, page(&[user(1), user(2)], request, 2)),
                "/Groups" => (200, json!({"totalResults": 3, "Resources": groups(true)})),
                "/Groups/a" => (200, groups(false)[0].clone()),
                "/Groups/b" => (200, groups(false)[1].clone()),
                "/Groups/c" => (200, groups(false)[2].clone()),
                _ => (404, json!({})),
            }
        }));
        let reading = ScimReader::new(session).read().await.unwrap();
        assert_eq!(reading.directory.memberships().len(), 2, "{all_silent}");
        assert_eq!(reading.doubts, Vec::<String>::new());
    }
}

/// A user and a group of the same number are two.
#[tokio::test(start_paused = true)]
async fn a_group_is_not_the_user_of_its_number() {
    let member = json!({"value": "id1", "type": "Group"});
    let log = Arc::new(Mutex::new(Vec::new()));
    let added = Arc::clone(&log);
    let (session, _) = session(Box::new(move |request| {
        let mut members = vec![member.clone()];
        if request.method == Method::Patch {
            added.lock().unwrap().push("add");
            return (204, Value::Null);
        }
        if !added.lock().unwrap().is_empty() {
            members.push(json!({"value": "id1", "type": "User"}));
        }
        let core = json!({"id": "g", "displayName": "core", "members": members});
        let inner = json!({"id": "id1", "displayName": "inner", "members": []});
        match request.path.split('?').next().unwrap() {
            "/Users" => (200, page(&[user(1)], request, 1)),
            "/Groups" => (200, json!({"totalResults": 2, "Resources": [core, inner]})),
            "/Groups/g" => (200, core),
            _ => (404, json!({})),
        }
    }));
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    assert_eq!(carry_out(&session, &[add("core", "u1@acme.com")]).await, [Ok(())]);
    assert_eq!(*log.lock().unwrap(), ["add"], "it was no member before");
}

/// A server of accounts alone, to which `POST` does what is said.
fn accounts(
    first: Vec<Value>,
    settings: &[(&str, &str)],
    post: impl Fn(&mut Vec<Value>, &Value) -> (u16, Value) + Send + Sync + 'static,
) -> (Arc<Session>, Arc<Mutex<Vec<Value>>>, Requests) {
    let all = Arc::new(Mutex::new(first));
    let held = Arc::clone(&all);
    let handler: Handler = Box::new(move |request| {
        let mut all = held.lock().unwrap();
        let path = request.path.split('?').next().unwrap();
        let body: Value = request.body.as_ref().map_or(Value::Null, |b| serde_json::from_slice(b).unwrap());
        match (request.method, path) {
            (Method::Get, "/ServiceProviderConfig") => {
                (200, json!({"bulk": {"supported": true, "maxOperations": 10}, "patch": {"supported": true}}))
            }
            (Method::Get, "/Users") if request.path.contains("filter") => (501, Value::Null),
            (Method::Get, "/Users") => (200, page(&all, request, all.len())),
            (Method::Get, "/Groups") => (200, json!({"totalResults": 0, "Resources": []})),
            (Method::Post, _) => post(&mut all, &body),
            _ => match all.iter().find(|u| path == format!("/Users/{}", u["id"].as_str().unwrap())) {
                Some(user) => (200, user.clone()),
                None => (404, json!({})),
            },
        }
    });
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = Client::new(Box::new(Fake { handler, log: Arc::clone(&log) }), Limits::default());
    let said = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let settings = Settings::read(&said).unwrap();
    (Arc::new(Session::new(client, settings, Arc::new(Catalogue::default()))), all, log)
}

fn create(email: &str) -> Change {
    Change::CreateUser { user: UserRecord { email: email.into(), ..UserRecord::default() } }
}

fn posts(log: &Arc<Mutex<Vec<String>>>) -> usize {
    log.lock().unwrap().iter().filter(|l| l.starts_with("POST")).count()
}

/// What is found on the second page and later is found: nobody is made twice.
#[tokio::test(start_paused = true)]
async fn what_was_made_is_found_on_the_last_page() {
    let first: Vec<Value> = (0..25).map(user).collect();
    let (session, all, log) = accounts(first, &[], |all, body| {
        let mut new = body.clone();
        new["id"] = json!("new");
        all.push(new);
        (500, Value::Null)
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    assert_eq!(carry_out(&session, &[create("new@acme.com")]).await, [Ok(())]);
    assert_eq!((all.lock().unwrap().len(), posts(&log)), (26, 1));
}

/// What shows late is waited for before it is asked for again.
#[tokio::test(start_paused = true)]
async fn what_shows_late_is_not_made_twice() {
    let late = Arc::new(Mutex::new(None::<tokio::time::Instant>));
    let (made, count) = (Arc::clone(&late), Arc::new(Mutex::new(0)));
    let counted = Arc::clone(&count);
    let (session, _) = session(Box::new(move |request| {
        let shows = made.lock().unwrap().is_some_and(|at| at.elapsed().as_millis() > 800);
        let all: Vec<Value> = (0..if shows { 2 } else { 1 }).map(user).collect();
        match (request.method, request.path.split('?').next().unwrap()) {
            (Method::Get, "/Users") if request.path.contains("filter") => (400, Value::Null),
            (Method::Get, "/Users") => (200, page(&all, request, all.len())),
            (Method::Get, "/Groups") => (200, json!({"totalResults": 0, "Resources": []})),
            (Method::Post, _) => {
                *made.lock().unwrap() = Some(tokio::time::Instant::now());
                *counted.lock().unwrap() += 1;
                (500, Value::Null)
            }
            (_, "/Users/id1") if shows => (200, user(1)),
            _ => (404, json!({})),
        }
    }));
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    assert_eq!(carry_out(&session, &[create("u1@acme.com")]).await, [Ok(())]);
    assert_eq!(*count.lock().unwrap(), 1);
}

/// Where two accounts have an address, no third one gets it, alone or in bulk.
#[tokio::test(start_paused = true)]
async fn an_ambiguous_address_gets_no_third_account() {
    for bulk in ["false", "true"] {
        let two = |id: &str| json!({"id": id, "userName": id, "emails": [{"value": "two@acme.com"}]});
        let (session, _, log) = accounts(vec![two("a"), two("b")], &[("bulk", bulk)], |_, _| (500, Value::Null));
        ScimReader::new(Arc::clone(&session)).read().await.unwrap();
        let results = carry_out(&session, &[create("two@acme.com"), create("two@acme.com")]).await;
        assert!(results.iter().all(|r| matches!(r, Err(TargetError::Conflict(_)))), "{results:?}");
        assert_eq!(posts(&log), 0, "{bulk}");
    }
}

/// A bulk request without an answer is not said again in another way, and whose account is taken by somebody
/// else is not adopted.
#[tokio::test(start_paused = true)]
async fn a_bulk_request_is_sent_once() {
    let both = [create("u1@acme.com"), create("u2@acme.com")];
    let (session, _, log) = accounts(vec![], &[("bulk", "true")], |_, _| (504, Value::Null));
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let results = carry_out(&session, &both).await;
    assert!(results.iter().all(|r| matches!(r, Err(TargetError::Unknown(_)))), "{results:?}");
    assert_eq!(posts(&log), 1);

    let (session, _, log) = accounts(vec![], &[("bulk", "true")], |all, _| {
        all.push(user(1));
        let taken = |n: usize| json!({"bulkId": format!("u{n}"), "status": "409"});
        (200, json!({"Operations": [taken(0), taken(1)]}))
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let results = carry_out(&session, &both).await;
    assert!(results.iter().all(|r| matches!(r, Err(TargetError::Conflict(_)))), "{results:?}");
    assert_eq!(posts(&log), 1);
}

/// What is sent and then goes wrong is not reported as undone; and an answer that is no account is no proof
/// that the account is gone.
#[tokio::test(start_paused = true)]
async fn what_was_sent_is_never_said_to_be_undone() {
    let (session, all, _) = accounts(vec![user(1)], &[], |all, body| {
        let mut new = body.clone();
        (new["id"], new["displayName"]) = (json!("new"), json!("Other"));
        all.push(new);
        (201, json!({"id": "new"}))
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let named = UserRecord { email: "new@acme.com".into(), name: Some("Ada".into()), ..UserRecord::default() };
    let results = carry_out(&session, &[Change::CreateUser { user: named }]).await;
    assert!(matches!(&results[..], [Err(TargetError::Unknown(_))]), "{results:?}");
    // What the record does not say, the server may add.
    assert_eq!(carry_out(&session, &[create("more@acme.com")]).await.len(), 1);
    all.lock().unwrap()[0] = json!({"id": "id1"});
    let held = user(1);
    let (session, _) = session_of_nonsense(held);
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let gone = UserRecord { email: "u1@acme.com".into(), ..UserRecord::default() };
    let results = carry_out(&session, &[Change::DeleteUser { user: gone, reason: Why::Undeclared }]).await;
    assert!(matches!(&results[..], [Err(TargetError::Malformed(_))]), "{results:?}");
}

fn session_of_nonsense(held: Value) -> (Arc<Session>, Arc<Mutex<Vec<String>>>) {
    session(Box::new(move |request| match request.path.split('?').next().unwrap() {
        "/Users" => (200, json!({"totalResults": 1, "Resources": [held]})),
        "/Users/id1" => (200, json!({"message": "welcome"})),
        "/Groups" => (200, json!({"totalResults": 0, "Resources": []})),
        _ => (404, json!({})),
    }))
}

/// A role that is held by an alias is taken away as well.
#[tokio::test(start_paused = true)]
async fn a_role_held_by_an_alias_goes() {
    let held = Arc::new(Mutex::new(vec!["lecteur".to_owned(), "parking".to_owned()]));
    let roles = Arc::clone(&held);
    let handler: Handler = Box::new(move |request| {
        let mut roles = roles.lock().unwrap();
        if request.method == Method::Patch {
            let body: Value = serde_json::from_slice(request.body.as_ref().unwrap()).unwrap();
            for operation in body["Operations"].as_array().unwrap() {
                match operation["op"].as_str().unwrap() {
                    "add" => roles.push(operation["value"][0]["value"].as_str().unwrap().to_owned()),
                    _ => roles.retain(|r| operation["path"] != format!("roles[value eq \"{r}\"]")),
                }
            }
        }
        let mut user = user(1);
        user["roles"] = roles.iter().map(|r| json!({"value": r})).collect();
        match request.path.split('?').next().unwrap() {
            "/Users" => (200, json!({"totalResults": 1, "Resources": [user]})),
            "/Users/id1" => (200, user),
            "/Groups" => (200, json!({"totalResults": 0, "Resources": []})),
            _ => (404, json!({})),
        }
    });
    let client = Client::new(Box::new(Fake { handler, log: Arc::default() }), Limits::default());
    let mut catalogue = Catalogue::default();
    let reader = CatalogueRole { aliases: vec!["lecteur".into()], ..CatalogueRole::default() };
    catalogue.roles.insert("reader".into(), reader);
    catalogue.roles.insert("writer".into(), CatalogueRole::default());
    let session = Arc::new(Session::new(client, Settings::read(&BTreeMap::new()).unwrap(), Arc::new(catalogue)));
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let with =
        |role: &str| UserRecord { email: "u1@acme.com".into(), role: Some(role.into()), ..UserRecord::default() };
    let change = Change::UpdateUser { before: with("reader"), after: with("writer") };
    assert_eq!(carry_out(&session, &[change]).await, [Ok(())]);
    assert_eq!(*held.lock().unwrap(), ["parking", "writer"]);
}

/// A server may add what the record does not say.
#[tokio::test(start_paused = true)]
async fn what_a_server_completes_is_no_refusal() {
    let (session, _, _) = accounts(vec![], &[], |all, body| {
        let mut new = body.clone();
        (new["id"], new["displayName"], new["timezone"]) = (json!("new"), json!("New"), json!("Europe/Paris"));
        (new["title"], new["locale"]) = (json!("none"), json!("fr"));
        all.push(new);
        (201, json!({"id": "new"}))
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let change = create("new@acme.com");
    assert_eq!(carry_out(&session, std::slice::from_ref(&change)).await, [Ok(())]);
    assert!(ScimReader::new(session).holds(&change).await.unwrap());
}

/// The same where the server does not tell how many it gives at once; a short list that is whole is no doubt.
#[tokio::test(start_paused = true)]
async fn a_total_that_is_that_of_an_untold_page_is_noticed() {
    for (there, doubts) in [(25, 1), (10, 0), (3, 0)] {
        let all: Vec<Value> = (0..there).map(user).collect();
        let (session, _) = session(Box::new(move |request| {
            if !request.path.starts_with("/Users?") {
                return (200, json!({"totalResults": 0}));
            }
            let mut answer = page(&all, request, 0);
            answer["totalResults"] = json!(answer["Resources"].as_array().unwrap().len());
            match answer["totalResults"] == 0 && there < 25 {
                true => (400, json!({"detail": "there is no such page"})),
                false => (200, answer),
            }
        }));
        let reading = ScimReader::new(session).read().await.unwrap();
        assert_eq!((reading.directory.users().len(), reading.doubts.len()), (there, doubts), "{:?}", reading.doubts);
    }
}

/// What is foretold of many members and of roles that groups stand for.
#[test]
fn parts_of_a_wave_and_role_groups_are_foretold() {
    let of = |settings: &[(&str, &str)]| {
        let client = Client::new(
            Box::new(Fake { handler: Box::new(|_| (404, Value::Null)), log: Arc::default() }),
            Limits::default(),
        );
        let said = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        ScimReader::new(Arc::new(Session::new(client, Settings::read(&said).unwrap(), Arc::default())))
    };
    let members: Vec<Change> = (0..1500).map(|n| add("core", &format!("u{n}@acme.com"))).collect();
    let foretold = |reader: &ScimReader, changes: &[Change]| reader.forecast(&[changes.iter().collect()]).unwrap();
    // 1000 and 500: each part reads the group before and after, and adds 100 at a time.
    assert_eq!(foretold(&of(&[]), &members), 2 + 10 + 2 + 5);
    let with =
        |role: &str| UserRecord { email: "u1@acme.com".into(), role: Some(role.into()), ..UserRecord::default() };
    let role = [Change::UpdateUser { before: with("reader"), after: with("writer") }];
    // What the server says of its attributes, the account, and two memberships.
    assert_eq!(foretold(&of(&[("roles", "groups")]), &role), 1 + 1 + 3 + 3);
    assert_eq!(foretold(&of(&[]), &role), 1 + 3);
}

/// A server with the groups `lecteur` and `reader`, which both stand for the role `reader`, and one account.
fn with_role_groups() -> (Arc<Session>, Requests) {
    let handler: Handler = Box::new(|request| {
        let group = |id: &str, name: &str| json!({"id": id, "displayName": name, "members": []});
        match (request.method, request.path.split('?').next().unwrap()) {
            (Method::Post | Method::Patch, _) => (403, Value::Null),
            (_, "/Users") => (200, page(&[user(1)], request, 1)),
            (_, "/Users/id1") => (200, user(1)),
            (_, "/Groups") => {
                (200, json!({"totalResults": 2, "Resources": [group("a", "lecteur"), group("b", "reader")]}))
            }
            (_, "/Groups/a") => (200, group("a", "lecteur")),
            (_, "/Groups/b") => (200, group("b", "reader")),
            _ => (404, json!({})),
        }
    });
    let log = Arc::new(Mutex::new(Vec::new()));
    let client = Client::new(Box::new(Fake { handler, log: Arc::clone(&log) }), Limits::default());
    let mut catalogue = Catalogue::default();
    let reader = CatalogueRole { aliases: vec!["lecteur".into()], ..CatalogueRole::default() };
    catalogue.roles.insert("reader".into(), reader);
    catalogue.roles.insert("writer".into(), CatalogueRole::default());
    let settings = Settings::read(&BTreeMap::from([("roles".to_owned(), "groups".to_owned())])).unwrap();
    (Arc::new(Session::new(client, settings, Arc::new(catalogue))), log)
}

/// A role is given by the group of its own name, where aliases have groups too; and nobody is made for whose
/// role there is no group.
#[tokio::test(start_paused = true)]
async fn a_role_has_a_group_before_anybody_is_made_for_it() {
    let (session, log) = with_role_groups();
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let with = |email: &str, role: Option<&str>| UserRecord {
        email: email.into(),
        role: role.map(str::to_owned),
        ..UserRecord::default()
    };
    let given = Change::UpdateUser { before: with("u1@acme.com", None), after: with("u1@acme.com", Some("reader")) };
    carry_out(&session, &[given]).await;
    let written: Vec<String> = log.lock().unwrap().iter().filter(|l| l.starts_with("PATCH")).cloned().collect();
    assert_eq!(written.first().map(String::as_str), Some("PATCH /Groups/b"));
    assert!(!written.iter().any(|l| l.ends_with("/a")), "{written:?}");

    let made = Change::CreateUser { user: with("new@acme.com", Some("writer")) };
    let results = carry_out(&session, &[made]).await;
    assert!(
        matches!(&results[..], [Err(TargetError::Refused(why))] if why.contains("no group that stands for")),
        "{results:?}"
    );
    assert_eq!(posts(&log), 0);
}

/// An error, and on the second try "taken": the first has made it.
#[tokio::test(start_paused = true)]
async fn taken_on_the_second_try_was_made_by_the_first() {
    let tries = Mutex::new(0);
    let (session, all, log) = accounts(vec![user(1)], &[], move |all, body| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        if *tries == 1 {
            return (500, Value::Null);
        }
        let mut new = body.clone();
        new["id"] = json!("new");
        all.push(new);
        (409, json!({"scimType": "uniqueness"}))
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    assert_eq!(carry_out(&session, &[create("new@acme.com")]).await, [Ok(())]);
    assert_eq!((posts(&log), all.lock().unwrap().len()), (2, 2));
}

/// Who signs in with another name than the address gets that name, also where several are made at once.
#[tokio::test(start_paused = true)]
async fn a_bulk_request_makes_accounts_with_their_handles() {
    let (session, all, _) = accounts(vec![], &[("bulk", "true")], |all, body| {
        let made = |operation: &Value| {
            let mut new = operation["data"].clone();
            let id = format!("id{}", all.len());
            new["id"] = json!(id);
            all.push(new);
            json!({"bulkId": operation["bulkId"], "status": "201", "location": format!("https://x/Users/{id}")})
        };
        let done: Vec<Value> = body["Operations"].as_array().unwrap().iter().map(made).collect();
        (200, json!({"Operations": done}))
    });
    ScimReader::new(Arc::clone(&session)).read().await.unwrap();
    let handles = BTreeMap::from([("scim".to_owned(), "ada".to_owned())]);
    let ada = UserRecord { email: "ada@acme.com".into(), handles, ..UserRecord::default() };
    let results = carry_out(&session, &[Change::CreateUser { user: ada }, create("u2@acme.com")]).await;
    assert_eq!(results, [Ok(()), Ok(())]);
    let all = all.lock().unwrap();
    assert_eq!((&all[0]["userName"], &all[1]["userName"]), (&json!("ada"), &json!("u2@acme.com")));
}
