//! Answers in the shapes of the fact sheet (section b), and what becomes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::credential::Credential;
use super::listing::Listing;
use super::read::read;
use super::session::Session;
use super::settings::Settings;
use super::{ParadimeReader, ParadimeWriter, reach};
use crate::model::{Catalogue, CatalogueRole, Change, Moment, Place, Said, UserRecord, UserState, Why};
use crate::plan::Reach;
use crate::targets::http::scripted::{Log, Scripted, answer};
use crate::targets::http::{Answer, Client, Lost, Secret};
use crate::targets::{Reader, Stamp, TargetError, Writer};

type Script = Vec<Result<Answer, Lost>>;

fn session(answers: Script) -> (Arc<Session>, Log) {
    session_of(answers, Credential::Workspace(Secret::new("prdm_wsp_1")))
}

fn session_of(answers: Script, credential: Credential) -> (Arc<Session>, Log) {
    let (server, log) = Scripted::new(answers);
    let client = Client::new(server, Settings::default().limits());
    let role = || CatalogueRole { places: vec![Place::User], ..CatalogueRole::default() };
    let roles = ["ADMIN", "DEVELOPER", "BUSINESS"].into_iter().map(|name| (name.to_owned(), role()));
    let catalogue = Catalogue { roles: roles.collect(), ..Catalogue::default() };
    (Arc::new(Session::new(client, Arc::new(catalogue), credential, false, false)), log)
}

/// A list: address and role of those who are there, address, role and status of those who are invited.
fn list(active: &[(&str, &str)], invited: &[(&str, &str, &str)]) -> Result<Answer, Lost> {
    let active: Vec<Value> = active
        .iter()
        .map(|(email, role)| json!({"uid": format!("uid-{email}"), "email": email, "name": "N", "accountType": role}))
        .collect();
    let invited: Vec<Value> = invited
        .iter()
        .map(|(email, role, status)| json!({"email": email, "accountType": role, "inviteStatus": status}))
        .collect();
    data(json!({"listUsers": {"ok": true, "activeUsers": active, "invitedUsers": invited}}))
}

fn data(data: Value) -> Result<Answer, Lost> {
    answer(200, &json!({"data": data}).to_string())
}

fn lost() -> Result<Answer, Lost> {
    Err(Lost::NoAnswer("no answer in time".to_owned()))
}

fn user(email: &str, role: &str, state: UserState) -> UserRecord {
    UserRecord { email: email.to_owned(), role: Some(role.to_owned()), state, ..UserRecord::default() }
}

fn invitation(email: &str, role: &str) -> Change {
    Change::InviteUser { user: user(email, role, UserState::Invited) }
}

fn update(email: &str, from: &str, to: &str) -> Change {
    let of = |role| user(email, role, UserState::Active);
    Change::UpdateUser { before: of(from), after: of(to) }
}

fn stamp() -> Stamp {
    Stamp { actor: "t".to_owned(), apply: 1, digest: String::new(), at: Moment::from_second(0) }
}

/// What became of the changes, and how often each operation was asked for.
async fn carry(answers: Script, changes: &[Change]) -> (Vec<Result<(), TargetError>>, BTreeMap<String, usize>) {
    let (session, log) = session(answers);
    let all: Vec<&Change> = changes.iter().collect();
    let results = ParadimeWriter::new(session).carry_out(&all, &stamp()).await;
    let mut counts = BTreeMap::new();
    for (_, request) in log.lock().unwrap().iter() {
        let body: Value = serde_json::from_slice(request.body.as_deref().unwrap()).unwrap();
        let query = body["query"].as_str().unwrap().to_owned();
        let found = ["listUsers", "inviteUser", "updateUserAccountType", "disableUser"];
        let found =
            found.into_iter().find(|name| query.contains(&format!("{name}(")) || query.contains(&format!("{name} {{")));
        *counts.entry(found.unwrap().to_owned()).or_default() += 1;
    }
    (results, counts)
}

const ADA: (&str, &str) = ("ada@acme.com", "ADMIN");

#[tokio::test(start_paused = true)]
async fn an_invitation_of_which_nobody_knows_is_looked_for_and_not_sent_twice() {
    let never = || list(&[ADA], &[]);
    let late = || list(&[ADA], &[("eve@acme.com", "BUSINESS", "SENT")]);
    for what in [lost(), answer(502, ""), answer(200, "<html>"), answer(204, "")] {
        let script = [never(), what.clone(), never(), never(), late()];
        let (results, counts) = carry(script.into(), &[invitation("eve@acme.com", "BUSINESS")]).await;
        assert_eq!((results, counts["inviteUser"]), (vec![Ok(())], 1), "it came late: {what:?}");

        let script: Script = [never(), what.clone()].into_iter().chain((0..20).map(|_| never())).collect();
        let (results, counts) = carry(script, &[invitation("eve@acme.com", "BUSINESS")]).await;
        assert!(
            matches!(&results[0], Err(TargetError::Unknown(why)) if why.contains("nothing is sent twice")),
            "{results:?}"
        );
        assert_eq!(counts["inviteUser"], 1, "{what:?}");
    }
    // A role is set again: a second time changes nothing.
    let script = vec![list(&[ADA], &[]), lost()];
    let script: Script = script.into_iter().chain((0..5).map(|_| list(&[ADA], &[]))).chain([lost()]).collect();
    let (results, counts) = carry(script, &[update("ada@acme.com", "ADMIN", "BUSINESS")]).await;
    assert!(results[0].is_err() && counts["updateUserAccountType"] >= 2, "{results:?} {counts:?}");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_listed_afterwards_is_done() {
    let before = || list(&[ADA, ("bo@acme.com", "DEVELOPER")], &[]);
    let after = || list(&[ADA, ("bo@acme.com", "BUSINESS")], &[]);
    let change = || vec![update("bo@acme.com", "DEVELOPER", "BUSINESS")];
    let said = |value: Value| data(json!({"updateUserAccountType": value}));
    let denied = answer(200, r#"{"data": null, "errors": [{"message": "no such luck"}]}"#);
    for says in [said(json!({"ok": true})), said(json!({"ok": false})), said(Value::Null), denied.clone()] {
        let (results, _) = carry(vec![before(), says.clone(), after()], &change()).await;
        assert_eq!(results, [Ok(())], "it is there, whatever was said: {says:?}");
    }
    let (results, counts) = carry(vec![before(), denied, before()], &change()).await;
    assert_eq!(results, [Err(TargetError::Refused("Paradime says: no such luck".to_owned()))]);
    assert_eq!(counts["updateUserAccountType"], 1, "no is no");
    let (results, _) = carry(vec![before(), said(json!({"ok": false})), before()], &change()).await;
    assert!(matches!(&results[0], Err(TargetError::Refused(why)) if why.contains("`ok: false`")), "{results:?}");
    let script: Script = [before(), said(json!({"ok": true}))].into_iter().chain((0..20).map(|_| before())).collect();
    let (results, _) = carry(script, &change()).await;
    assert!(matches!(results[0], Err(TargetError::NotVisible(_))), "{results:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_as_it_was_is_not_changed() {
    for (active, invited, change, expected) in [
        (&[ADA][..], &[][..], update("bo@acme.com", "DEVELOPER", "BUSINESS"), "not there any more"),
        (&[ADA, ("bo@acme.com", "BUSINESS")], &[], update("bo@acme.com", "DEVELOPER", "ADMIN"), "is BUSINESS now"),
        (&[ADA, ("EVE@acme.com", "ADMIN")], &[], invitation("eve@acme.com", "BUSINESS"), "there already, as ADMIN"),
        (&[ADA], &[("Eve@acme.com", "ADMIN", "EXPIRED")], invitation("eve@acme.com", "BUSINESS"), "invited already"),
        (
            &[ADA, ("bo@acme.com", "ADMIN"), ("Bo@acme.com", "X")],
            &[],
            update("bo@acme.com", "ADMIN", "BUSINESS"),
            "several",
        ),
    ] {
        let mut script = vec![list(active, invited)];
        if active.len() == 3 {
            // The same address twice, with another identifier.
            let twice = json!({"listUsers": {"ok": true, "invitedUsers": [], "activeUsers": [
                {"uid": "1", "email": "bo@acme.com", "name": "", "accountType": "ADMIN"},
                {"uid": "2", "email": "BO@acme.com", "name": "", "accountType": "ADMIN"}]}});
            script = vec![data(twice)];
        }
        let (results, counts) = carry(script, &[change]).await;
        let error = results[0].clone().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert_eq!(counts.values().sum::<usize>(), 1, "nothing is written: {counts:?}");
    }
    // Somebody else was faster.
    let done = [
        (
            list(&[ADA], &[]),
            Change::DisableUser { user: user("bo@acme.com", "ADMIN", UserState::Active), reason: Why::Declared },
        ),
        (list(&[ADA, ("bo@acme.com", "BUSINESS")], &[]), update("bo@acme.com", "DEVELOPER", "BUSINESS")),
        (list(&[ADA], &[("eve@acme.com", "BUSINESS", "ACTIVE")]), invitation("eve@acme.com", "BUSINESS")),
    ];
    for (script, change) in done {
        let (results, counts) = carry(vec![script], &[change]).await;
        assert_eq!((results, counts.values().sum::<usize>()), (vec![Ok(())], 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_is_none_is_never_handed_out() {
    for (body, said) in [
        (json!({"data": {"listUsers": null}}), "no `listUsers`"),
        (json!({"data": {"listUsers": {"ok": false, "activeUsers": [], "invitedUsers": []}}}), "`ok: false`"),
        (json!({"data": {"listUsers": {"activeUsers": [], "invitedUsers": []}}}), "does not say that it went well"),
        (json!({"data": {"listUsers": {"ok": true, "activeUsers": null, "invitedUsers": []}}}), "`activeUsers`"),
        (json!({"data": {"listUsers": {"ok": true, "activeUsers": []}}}), "`invitedUsers`"),
        (json!({"errors": [{"message": "a\u{7}b"}]}), "Paradime says: ab"),
        (json!({"errors": [{}]}), "without a message"),
        (json!([]), "no `listUsers`"),
    ] {
        let (session, _) = session(vec![answer(200, &body.to_string())]);
        let error = ParadimeReader::new(session).read().await.unwrap_err().to_string();
        assert!(error.contains(said), "{body}: {error}");
    }
    for (status, said) in [(401, "not accepted"), (403, "User management admin"), (404, "no such endpoint")] {
        let (session, _) = session(vec![answer(status, r#"{"errors": [{"message": "because"}]}"#)]);
        let error = ParadimeReader::new(session).read().await.unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("because"), "{error}");
    }
    // A query is sent again, though it is a POST.
    let (session, log) = session(vec![lost(), answer(502, ""), list(&[ADA], &[])]);
    assert_eq!(ParadimeReader::new(session).read().await.unwrap().directory.users().len(), 1);
    assert_eq!(log.lock().unwrap().len(), 3);
    // What says that it has no errors has none.
    let (session, _) = self::session(vec![answer(
        200,
        r#"{"errors": [], "data": {"listUsers": {"ok": true, "activeUsers": [], "invitedUsers": []}}}"#,
    )]);
    assert!(!ParadimeReader::new(session).read().await.unwrap().doubts.is_empty(), "nobody at all is doubtful");
}

#[test]
fn everybody_is_read_whatever_it_says_of_them() {
    let (session, _) = session(Vec::new());
    let value = json!({"ok": true, "activeUsers": [
        {"uid": "1", "email": " Ada@Acme.com ", "name": "Ada", "accountType": "ADMIN"},
        {"uid": "2", "email": "bo@acme.com", "name": "", "accountType": "WIZARD"},
        {"uid": "3", "email": "cy@acme.com", "name": "Cy", "accountType": "BUSINESS"},
        {"uid": "3", "email": "cy@acme.com", "name": "Cy", "accountType": "BUSINESS"},
        {"uid": "4", "email": "di@acme.com", "accountType": "BUSINESS"},
        {"uid": "5", "email": "Di@acme.com", "accountType": "ADMIN"},
        {"uid": "6", "email": "nonsense", "accountType": "ADMIN"},
        {"email": "without@acme.com"}, 7],
      "invitedUsers": [
        {"email": "ADA@acme.com", "accountType": "ADMIN", "inviteStatus": "SENT"},
        {"email": "eve@acme.com", "accountType": "BUSINESS", "inviteStatus": "expired"},
        {"email": "fay@acme.com", "accountType": "BUSINESS", "inviteStatus": "ACTIVE"},
        {"email": "gus@acme.com", "accountType": "DEVELOPER", "inviteStatus": "ODD"},
        {"email": null}]});
    let listing = Listing::read(&value).unwrap();
    let reading = read(&session, &listing).unwrap();
    let directory = &reading.directory;
    let people: Vec<String> = directory
        .users()
        .iter()
        .map(|u| {
            let role = u.role.value().map_or("-", |r| &*directory.role(*r).name);
            format!("{} {role} {}", u.email, u.state.word())
        })
        .collect();
    assert_eq!(
        people,
        [
            "ada@acme.com ADMIN active",
            "bo@acme.com - active",
            "cy@acme.com BUSINESS active",
            "eve@acme.com BUSINESS invitation expired",
            "fay@acme.com BUSINESS invited",
            "gus@acme.com DEVELOPER invited",
        ]
    );
    let name = |email: &str| directory.user(directory.find_user(email).unwrap()).name.clone();
    assert_eq!(
        (name("bo@acme.com"), name("fay@acme.com")),
        (Said::Nothing, Said::Unsaid),
        "who is invited has none yet"
    );
    assert_eq!(
        reading.notes,
        [
            "1 account has a role that this plan of Paradime does not publish, and left alone: bo@acme.com (WIZARD)",
            "1 invitation has the status `ODD`, which rolecall does not know, and taken for open",
            "2 accounts have the address di@acme.com: all of them are left alone",
            "3 entries have no e-mail address that can be read, and left alone: nonsense, (empty), (empty)",
            "the account of without@acme.com shows no identifier, and is left alone",
        ]
    );
    assert!(reading.doubts.is_empty());
    // Nobody is invited where several are there.
    assert!(matches!(reach::reach(&session, &invitation("di@acme.com", "ADMIN")), Reach::Never { .. }));
    assert!(matches!(reach::reach(&session, &invitation("without@acme.com", "ADMIN")), Reach::Never { .. }));
}

#[test]
fn what_the_api_cannot_is_said() {
    let (session, _) = session(Vec::new());
    let of = |state| user("eve@acme.com", "BUSINESS", state);
    let disable = |state| Change::DisableUser { user: of(state), reason: Why::Undeclared };
    let by_hand = |change: &Change| match reach::reach(&session, change) {
        Reach::ByHand(step) => format!("{} | {}", step.what, step.place),
        other => panic!("{change:?}: {other:?}"),
    };
    assert!(by_hand(&disable(UserState::Invited)).contains("withdraw the invitation of eve@acme.com"));
    assert!(by_hand(&Change::EnableUser { user: of(UserState::Disabled) }).contains("Enable user"));
    assert_eq!(reach::reach(&session, &disable(UserState::InvitationExpired)), Reach::Left);
    assert_eq!(reach::reach(&session, &disable(UserState::Active)), Reach::Writes);
    // Deleting is disabling.
    let delete = Change::DeleteUser { user: of(UserState::Active), reason: Why::Undeclared };
    assert_eq!(reach::reach(&session, &delete), Reach::Part(Box::new(disable(UserState::Active)), None));
    // An invitation holds an address and a role.
    let mut named = of(UserState::Invited);
    named.name = Some("Eve".to_owned());
    let plain = Change::InviteUser { user: of(UserState::Invited) };
    assert_eq!(reach::reach(&session, &Change::InviteUser { user: named }), Reach::Part(Box::new(plain), None));
    // Everybody has a role, and an address for good.
    let nobody = UserRecord { role: None, ..of(UserState::Invited) };
    assert!(matches!(reach::reach(&session, &Change::InviteUser { user: nobody }), Reach::Never { .. }));
    let rename = Change::RenameUser { from: "eve@acme.com".to_owned(), to: "e@acme.com".to_owned() };
    assert!(matches!(reach::reach(&session, &rename), Reach::Never { .. }));
    // A name and a role at once: the role is written, the name is theirs.
    let (before, mut after) = (of(UserState::Active), user("eve@acme.com", "ADMIN", UserState::Active));
    after.name = Some("Eve".to_owned());
    let both = Change::UpdateUser { before, after };
    let Reach::Part(change, Some(step)) = reach::reach(&session, &both) else { panic!("a part and a step") };
    assert_eq!(*change, update("eve@acme.com", "BUSINESS", "ADMIN"));
    assert!(step.what.contains("only they can change it"), "{}", step.what);
}

#[tokio::test(start_paused = true)]
async fn an_account_token_without_a_workspace_lists_what_there_is() {
    let workspaces = data(json!({"listWorkspaces": {"ok": true, "workspaces": [{"uid": "u1", "name": "analytics"}]}}));
    let company = || Credential::Company(Secret::new("prdm_cmp_1"), None);
    let (session, log) = session_of(vec![workspaces], company());
    let error = ParadimeReader::new(session).read().await.unwrap_err().to_string();
    assert!(error.contains("none is named") && error.contains("u1 (analytics)"), "{error}");
    assert_eq!(log.lock().unwrap().len(), 1, "nobody is listed");
    let (session, _) = session_of(vec![answer(403, "")], company());
    let error = ParadimeReader::new(session).read().await.unwrap_err().to_string();
    assert!(error.contains("does not list them here"), "{error}");
}

/// Denied, after a try of which nobody knows what became: that one may have been made, and be late.
#[tokio::test(start_paused = true)]
async fn a_denial_does_not_take_back_an_earlier_doubt() {
    let before = || list(&[ADA, ("bo@acme.com", "BUSINESS")], &[]);
    let denied = || data(json!({"updateUserAccountType": {"ok": false}}));
    let change = [update("bo@acme.com", "BUSINESS", "DEVELOPER")];
    let script: Script =
        [before(), answer(502, "")].into_iter().chain((0..4).map(|_| before())).chain([denied(), before()]).collect();
    let (results, counts) = carry(script, &change).await;
    assert!(matches!(results[0], Err(TargetError::Unknown(_))), "{results:?}");
    assert_eq!(counts["updateUserAccountType"], 2);
    let (results, _) = carry(vec![before(), denied(), before()], &change).await;
    assert!(matches!(results[0], Err(TargetError::Refused(_))), "the first denial is one: {results:?}");
}
