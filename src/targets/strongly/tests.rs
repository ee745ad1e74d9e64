//! Answers in the shapes of the fact sheet (sections 2.1 and 2.2), and what becomes of them.

use std::sync::Arc;

use serde_json::{Value, json};

use super::holds::holds;
use super::paging::{Listing, all};
use super::read::{ORGANIZATION_ROLE, read};
use super::session::{Known, Session, Thing};
use super::settings::Settings;
use super::shape::{Item, Kind};
use super::{StronglyReader, StronglyWriter};
use crate::model::{
    Builder, Catalogue, CatalogueRole, Change, Directory, DomainRecord, GrantedRole, Moment, Place, PrincipalRecord,
    Said, User, UserRecord, UserState, Why,
};
use crate::targets::http::scripted::{Log, Scripted, answer};
use crate::targets::http::{Answer, Client, Lost, Method};
use crate::targets::{Reader, Stamp, TargetError, Wanted, Writer};

type Script = Vec<Result<Answer, Lost>>;

fn session(answers: Script) -> (Arc<Session>, Log) {
    let (server, log) = Scripted::new(answers);
    let settings =
        Settings { organization: Some("o".to_owned()), sign_in: vec!["portal".to_owned()], ..Settings::default() };
    let client = Client::new(server, settings.limits());
    let role = |as_what: &[Place]| CatalogueRole { places: as_what.to_vec(), ..CatalogueRole::default() };
    let users = ["admin", "developer", "viewer"].map(|name| (name.to_owned(), role(&[Place::User])));
    let levels = ["view", "use", "edit"].map(|name| (name.to_owned(), role(&[Place::Resource])));
    let catalogue = Catalogue { roles: users.into_iter().chain(levels).collect(), ..Catalogue::default() };
    let session = Session::new(client, Arc::new(catalogue), settings, Wanted::default(), None);
    session.index().organization = "o".to_owned();
    (Arc::new(session), log)
}

/// A list that says how long it is.
fn page(items: Value) -> Result<Answer, Lost> {
    let total = items.as_array().unwrap().len();
    body(json!({"success": true, "data": items, "pagination": {"total": total, "hasMore": false}}))
}

fn body(value: Value) -> Result<Answer, Lost> {
    answer(200, &value.to_string())
}

fn lost() -> Result<Answer, Lost> {
    Err(Lost::NoAnswer("no answer in time".to_owned()))
}

fn stamp() -> Stamp {
    Stamp { actor: "t".to_owned(), apply: 1, digest: String::new(), at: Moment::from_second(0) }
}

fn eve(role: &str, place: Option<&str>, state: UserState) -> UserRecord {
    let attributes = place.map(|p| (ORGANIZATION_ROLE.to_owned(), p.to_owned())).into_iter().collect();
    UserRecord {
        email: "eve@x.example".to_owned(),
        role: Some(role.to_owned()),
        state,
        attributes,
        ..UserRecord::default()
    }
}

/// One change; what became of it, and what was sent that writes.
async fn write(session: Arc<Session>, log: &Log, change: Change) -> (Result<(), TargetError>, Vec<String>) {
    let result = StronglyWriter::new(session, Moment::from_second(0)).write(&change, &stamp()).await;
    let sent = log.lock().unwrap();
    let writes = sent.iter().filter(|(_, r)| r.method != Method::Get).map(|(_, r)| r.path.clone()).collect();
    (result, writes)
}

#[tokio::test(start_paused = true)]
async fn a_list_ends_where_it_says_so_and_nothing_of_it_is_lost() {
    async fn read(pages: Vec<Value>) -> Listing<Item> {
        let (session, _) = session(pages.into_iter().map(body).collect());
        all(&session, "/apps", "apps", Item::read).await.unwrap()
    }
    let thing = |id: &str| json!({"_id": id, "userId": "owner"});
    // One owner has several things.
    let found =
        read(vec![json!({"data": [thing("1"), thing("2")], "pagination": {"total": 2, "hasMore": false}})]).await;
    assert_eq!((found.items.len(), found.doubts.len()), (2, 0));
    // More is said to come, whatever the total says.
    let first = json!({"data": [thing("1")], "pagination": {"total": 1, "hasMore": true}});
    let second = json!({"data": [thing("2")], "pagination": {"total": 2, "hasMore": false}});
    let found =
        read(vec![first.clone(), second, json!({"data": [], "pagination": {"total": 2, "hasMore": false}})]).await;
    assert_eq!((found.items.len(), found.doubts.len()), (2, 0), "{:?}", found.doubts);
    // More is said to come, and does not.
    let found = read(vec![first.clone(), first]).await;
    assert_eq!(found.items.len(), 1);
    assert!(found.doubts.iter().any(|d| d.contains("there are more at /apps")), "{:?}", found.doubts);
    // Two accounts of one address, in a list without ids, are two; and one that is listed again is one.
    let user = |role: &str| json!({"email": "a@x.example", "role": role});
    let (session, _) =
        session(vec![page(json!([user("app"), user("admin")])), page(json!([user("app"), user("admin")]))]);
    let found = super::read::people(&session, false, None).await.unwrap();
    assert_eq!(found.items.len(), 2);
}

fn of_eve(place: Option<&str>) -> Directory {
    let mut build: Builder<()> = Builder::new();
    let mut user = User::new("eve@x.example");
    user.attributes = vec![(ORGANIZATION_ROLE.into(), place.map_or(Said::Nothing, |p| Said::Is(p.into())))];
    build.user(user, ());
    build.finish().unwrap().0
}

/// Where a place is taken away, the least one is left: it is there when that is seen, and not before.
#[test]
fn a_place_that_is_taken_away_is_looked_for() {
    let bare = |place| UserRecord { role: None, ..eve("viewer", place, UserState::Active) };
    let change = Change::UpdateUser { before: bare(Some("admin")), after: bare(None) };
    assert!(!holds(&of_eve(Some("admin")), &change), "nothing was done");
    assert!(holds(&of_eve(Some("member")), &change) && holds(&of_eve(None), &change));
    let other = Change::UpdateUser { before: bare(Some("admin")), after: bare(Some("admin")) };
    assert!(holds(&of_eve(Some("admin")), &other), "where it is no part of the change, it stays");
}

/// The role was written, and then the place is another than the plan starts from: nobody says that nothing was.
#[tokio::test(start_paused = true)]
async fn a_change_in_part_is_not_said_to_be_none() {
    let shown = |role: &str| body(json!({"success": true, "data": {"email": "eve@x.example", "role": role}}));
    let member = || page(json!([{"id": "m", "userId": "u", "email": "eve@x.example", "role": "owner"}]));
    let before = eve("viewer", Some("member"), UserState::Active);
    let after = eve("developer", Some("admin"), UserState::Active);
    let known = Known { id: Some("u".to_owned()), member: Some("m".to_owned()), ..Known::default() };
    let (of, log) = session(vec![shown("app"), body(json!({"success": true})), shown("developer"), member()]);
    of.index().users.insert("eve@x.example".to_owned(), known.clone());
    let (result, writes) = write(of, &log, Change::UpdateUser { before: before.clone(), after: after.clone() }).await;
    assert!(matches!(&result, Err(TargetError::Unknown(why)) if why.contains("and not its place")), "{result:?}");
    assert_eq!(writes, ["/users/u"]);
    // With nothing written before it, it is refused as what it is.
    let (of, log) = session(vec![member()]);
    of.index().users.insert("eve@x.example".to_owned(), known);
    let before = UserRecord { role: after.role.clone(), ..before };
    let (result, writes) = write(of, &log, Change::UpdateUser { before, after }).await;
    assert!(matches!(&result, Err(TargetError::Conflict(why)) if why.contains("is owner now")), "{result:?}");
    assert_eq!(writes, [""; 0]);
}

/// An invitation that is gone was taken back, or accepted: then there is an account, which nobody has closed.
#[tokio::test(start_paused = true)]
async fn who_has_accepted_meanwhile_is_not_uninvited() {
    for (accounts, accepted) in [(json!([{"email": "eve@x.example", "role": "app"}]), true), (json!([]), false)] {
        let (of, log) = session(vec![answer(404, ""), page(json!([])), page(accounts)]);
        let known = Known { invitation: Some("i".to_owned()), ..Known::default() };
        of.index().users.insert("eve@x.example".to_owned(), known);
        let user = eve("viewer", None, UserState::Invited);
        let (result, _) = write(of, &log, Change::DisableUser { user, reason: Why::Undeclared }).await;
        match result {
            Err(TargetError::Conflict(why)) if accepted => assert!(why.contains("has accepted meanwhile"), "{why}"),
            result => assert!(!accepted && result.is_ok(), "{result:?}"),
        }
    }
}

/// Each account comes with a key: one that nobody can see is not made a second time.
#[tokio::test(start_paused = true)]
async fn an_account_is_created_by_one_request() {
    let none = || page(json!([]));
    for what in [lost(), answer(500, ""), answer(503, "")] {
        let script: Script = [none(), what].into_iter().chain((0..20).map(|_| none())).collect();
        let (of, log) = session(script);
        let (result, writes) =
            write(of, &log, Change::CreateUser { user: eve("viewer", None, UserState::Active) }).await;
        assert!(
            matches!(&result, Err(TargetError::Unknown(why)) if why.contains("nothing is sent twice")),
            "{result:?}"
        );
        assert_eq!(writes, ["/users"]);
    }
    // Somebody else was quicker: nothing is sent.
    let (of, log) = session(vec![page(json!([{"email": "eve@x.example", "role": "app"}]))]);
    let (result, writes) = write(of, &log, Change::CreateUser { user: eve("viewer", None, UserState::Active) }).await;
    assert!(matches!(result, Err(TargetError::Conflict(_))), "{result:?}");
    assert_eq!(writes, [""; 0]);
}

/// A list of which the first write is not known, and that cannot be read any more, may have been written.
#[tokio::test(start_paused = true)]
async fn a_later_error_does_not_take_back_an_earlier_doubt() {
    let list = || body(json!({"_id": "d", "allowAllUsers": false, "allowedUsers": ["v"]}));
    let script: Script =
        [list(), answer(500, "")].into_iter().chain((0..5).map(|_| list())).chain([answer(403, "")]).collect();
    let (of, log) = session(script);
    let known = Known { id: Some("u".to_owned()), ..Known::default() };
    of.index().users.insert("eve@x.example".to_owned(), known);
    let thing = Thing { kind: Kind::DataSource, id: "d".to_owned(), listed: Vec::new() };
    of.index().things.insert("data-source/d".to_owned(), thing);
    let roles = vec![GrantedRole { role: "use".to_owned(), until: None, because: None }];
    let to = PrincipalRecord::User("eve@x.example".to_owned());
    let (result, writes) = write(of, &log, Change::GiveGrant { to, resource: "data-source/d".to_owned(), roles }).await;
    assert!(matches!(&result, Err(TargetError::Unknown(why)) if why.contains("an earlier try")), "{result:?}");
    assert_eq!(writes.len(), 1);
}

/// Domains of pages that are not all there are not written on the others.
#[tokio::test(start_paused = true)]
async fn domains_wait_for_every_application_that_is_named() {
    let (of, log) = session(Vec::new());
    of.index().sign_in.insert("portal".to_owned(), "a".to_owned());
    of.index().no_sign_in.insert("docs".to_owned());
    let domain = DomainRecord { name: "x.example".to_owned(), ..DomainRecord::default() };
    let (result, _) = write(of, &log, Change::AddDomain { domain }).await;
    assert!(matches!(result, Err(TargetError::Gone(_))), "{result:?}");
    assert!(log.lock().unwrap().is_empty(), "nothing is sent");
}

/// What an application does not show of its sign-in pages is a doubt, and no page without domains; and a reading
/// with a doubt proves no removal.
#[tokio::test(start_paused = true)]
async fn pages_that_are_not_shown_are_a_doubt() {
    let domain = DomainRecord { name: "x.example".to_owned(), ..DomainRecord::default() };
    let gone = Change::RemoveDomain { domain, reason: Why::Undeclared };
    for (auth, doubtful) in [
        (json!({"enabled": true, "signupEnabled": true}), true),
        (json!({"enabled": true, "signupEnabled": true, "allowedDomains": []}), false),
    ] {
        let app = json!({"_id": "a", "name": "portal", "isPublic": false, "allowedUsers": [], "auth": auth});
        let ada = json!([{"email": "ada@x.example", "role": "admin"}]);
        let members = json!([{"id": "m", "userId": "u", "email": "ada@x.example", "role": "owner"}]);
        let script = || {
            vec![
                page(ada.clone()),
                page(json!([])),
                page(members.clone()),
                page(json!([])),
                page(json!([{"_id": "a", "name": "portal"}])),
                body(app.clone()),
            ]
        };
        let (of, _) = session(script());
        let reading = read(&of, Moment::from_second(0)).await.unwrap();
        assert_eq!(reading.doubts.iter().any(|d| d.contains("does not show its sign-in domains")), doubtful);
        let (of, _) = session(script());
        let reader = StronglyReader::new(of, Moment::from_second(0));
        assert_eq!(reader.holds(&gone).await, Ok(!doubtful), "it may be there all the same");
    }
}
