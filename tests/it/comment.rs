//! The comment of a pull request and the issue of drift: as they read, and whether anything that somebody may
//! have written does more than be read. They are parsed as GitHub parses them (comrak is a port of cmark-gfm).
//!
//! `ROLECALL_PAGES=/tmp/pages cargo test --test it comment::` writes them as pages to look at.

use std::collections::BTreeMap;

use comrak::nodes::{AstNode, NodeValue};
use comrak::{Arena, Options, parse_document};
use insta::assert_snapshot;
use proptest::prelude::*;
use rolecall::access::{AccessDifference, AccessEffect, AccessLine, AccessRisk, AccountChange, Through};
use rolecall::diagnostic::{Location, Severity};
use rolecall::invariants::{Answer, Verdict};
use rolecall::model::{
    Change, GrantedRole, Kind, MemberRecord, Moment, PrincipalRecord, Share, UserKind, UserRecord, UserRemoval, Why,
};
use rolecall::plan::{FORMAT, Judged, Limit, Note, Plan, Promise, Step, TargetPlan, Unread};
use rolecall::render::comment::{
    Allowed, Approval, BUDGET_MIN, COMMENT_MAX, Comment, Direction, DriftIssue, Drifted, Made, MarkerKind, Outcome,
    Problem, Run, SUMMARY_MAX, Superseded, comment, drift_issue, drift_title, has_marker,
};

const PAGE: &str = "https://github.com/acme/access";

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn at(file: &str, line: u32) -> Option<Location> {
    Some(Location { file: file.to_owned(), line })
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|t| (*t).to_owned()).collect()
}

fn line(effect: AccessEffect, risk: AccessRisk, who: &[&str], on: &[&str], way: Through) -> AccessLine {
    let (now, then) = match effect {
        AccessEffect::Loses => (Vec::new(), vec![way]),
        _ => (vec![way], Vec::new()),
    };
    AccessLine {
        effect,
        risk,
        people: who.len(),
        who: strings(who),
        resources: on.len(),
        on: strings(on),
        scattered: false,
        administrator: false,
        permissions: strings(&["edit", "read"]),
        unpublished: Vec::new(),
        through: now,
        formerly: then,
        but_on: Vec::new(),
        account: None,
        pending: false,
        accounts: UserKind::Person,
    }
}

fn target(name: &str, changes: Vec<(Change, Option<Location>)>, lines: Vec<AccessLine>) -> TargetPlan {
    let steps = changes.into_iter().zip(1..);
    let people = |effect| lines.iter().filter(|l| l.effect == effect).map(|l| l.people).sum();
    TargetPlan {
        approvals: Vec::new(),
        drift: Vec::new(),
        along: Vec::new(),
        target: name.to_owned(),
        provider: "directory".to_owned(),
        level: Promise::Enforced,
        access: AccessDifference {
            gain: people(AccessEffect::Gains),
            lose: people(AccessEffect::Loses),
            path: people(AccessEffect::Path),
            lines,
            ..AccessDifference::default()
        },
        steps: steps.map(|((change, declared), id)| Step { id, wave: 1, change, declared, after: vec![] }).collect(),
        observed: vec![],
        losses: vec![],
        why_lost: None,
        pending: vec![],
        expired_invitations: vec![],
        notes: vec![],
        removals: BTreeMap::new(),
        doubts: vec![],
        shrunk: BTreeMap::new(),
        forecast: None,
        takeovers: BTreeMap::new(),
        irreversible: vec![],
        left_alone: BTreeMap::new(),
        guards: vec![],
        live: BTreeMap::new(),
        desired: BTreeMap::new(),
        touched: BTreeMap::new(),
        judged: Judged {
            rules: vec![],
            admins_at_least: 1,
            undeclared_users: UserRemoval::Disable,
            limits: BTreeMap::from([(Kind::User, Limit { count: 10, share: Share(5) })]),
            settings: BTreeMap::new(),
        },
    }
}

fn plan(targets: Vec<TargetPlan>) -> Plan {
    Plan {
        since: None,
        between: None,
        format: FORMAT.to_owned(),
        digest: format!("sha256:4f1c92ab{}", "0".repeat(56)),
        rolecall: "0.1.0".to_owned(),
        commit: None,
        consents: vec![],
        guards: vec![],
        targets,
        unread: vec![],
    }
}

fn member(team: &str, user: &str, until: Option<&str>) -> MemberRecord {
    let until = until.map(moment);
    MemberRecord { team: team.to_owned(), user: user.to_owned(), until, ..MemberRecord::default() }
}

fn granted(role: &str) -> Vec<GrantedRole> {
    vec![GrantedRole { role: role.to_owned(), until: None, because: None }]
}

fn of_team(team: &str, role: &str) -> Through {
    Through::TeamGrant { team: team.to_owned(), role: role.to_owned() }
}

/// Somebody becomes an administrator, some gain, some lose, some have the same by another path.
fn ordinary() -> Plan {
    use AccessEffect::{Gains, Loses, Path};
    use AccessRisk::{Administrator, Read, Write};
    let changes = vec![
        (
            Change::AddMember { member: member("owners", "ana@acme.com", Some("2026-12-31")) },
            at("teams/owners.yaml", 18),
        ),
        (
            Change::CreateUser {
                user: UserRecord { email: "bo@acme.com".into(), role: Some("editor".into()), ..UserRecord::default() },
            },
            at("people.yaml", 7),
        ),
        (
            Change::GiveGrant {
                to: PrincipalRecord::Team("analysts".into()),
                resource: "finance/ledger".into(),
                roles: granted("editor"),
            },
            at("finance.yaml", 4),
        ),
        (Change::RemoveMember { member: member("contractors", "eve@acme.com", None), reason: Why::Undeclared }, None),
    ];
    let mut admin = line(Gains, Administrator, &["ana@acme.com"], &[], of_team("owners", "admin"));
    (admin.administrator, admin.permissions) = (true, vec![]);
    let mut new = line(Gains, Write, &["bo@acme.com"], &[], Through::OwnRole { role: "editor".into() });
    new.account = Some(AccountChange::Created);
    let team = line(
        Gains,
        Write,
        &["cas@acme.com", "dee@acme.com", "fay@acme.com", "gus@acme.com"],
        &["finance/ledger"],
        of_team("analysts", "editor"),
    );
    let gone = line(
        Loses,
        Read,
        &["eve@acme.com"],
        &["apps/a", "apps/b", "apps/c", "apps/d"],
        of_team("contractors", "viewer"),
    );
    let mut path = line(Path, Read, &["hal@acme.com"], &["apps/a"], of_team("data", "viewer"));
    path.formerly = vec![Through::OwnGrant { role: "viewer".into() }];
    let mut one = target("prod", changes, vec![admin, new, team, gone, path]);
    one.guards = vec![
        Verdict::new("admin-remains", Answer::Holds, "3 administrators remain"),
        Verdict::new("blast-radius", Answer::Holds, "1 of 87 memberships goes"),
        Verdict::new("no-escalation", Answer::Unknown, "it is not known who applies to prod")
            .help("declare `targets.prod.identity`"),
    ];
    one.notes = vec![Note {
        rule: Some("grant-expires".into()),
        message: "the membership of ana@acme.com in owners ends 2026-12-31".into(),
        help: None,
        declared: at("teams/owners.yaml", 18),
    }];
    plan(vec![one])
}

fn made() -> Made {
    Made {
        head: "9ab3f01d2c3b4a5968778695a4b3c2d1e0f01234".into(),
        branch: "main".into(),
        base: "77de0c2d2c3b4a5968778695a4b3c2d1e0f01234".into(),
        read: Some(moment("2026-11-21T16:04:30Z")),
        run: Run { id: "123/1".into(), url: Some(format!("{PAGE}/actions/runs/123")) },
        repository: Some(PAGE.into()),
        folder: "access/".into(),
    }
}

fn of(plan: Option<&Plan>) -> Comment<'_> {
    Comment {
        key: "access/rolecall.yaml",
        plan,
        problems: vec![],
        tests: Some((41, 41)),
        drift: vec![],
        approvals: vec![],
        superseded: vec![],
        made: made(),
        outcome: None,
        fork: false,
    }
}

fn drifted(what: &str, widens: bool) -> Drifted {
    Drifted {
        target: "prod".into(),
        direction: if widens { Direction::Extra } else { Direction::Missing },
        what: what.into(),
        widens,
        since: Some(moment("2026-11-18T09:00:00Z")),
        by: widens.then(|| "mia@acme.com".into()),
        declared: (!widens).then(|| at("teams/data.yaml", 5)).flatten(),
    }
}

fn whole(plan: &Plan) -> Comment<'_> {
    Comment {
        drift: vec![drifted("member data zoe@acme.com", false), drifted("grant finance/ledger team ops", true)],
        approvals: vec![
            Approval {
                what: "ana@acme.com becomes an administrator".into(),
                who: "@acme/finance-owners".into(),
                how_many: 2,
                given: strings(&["kim"]),
            },
            Approval {
                what: "4 people gain finance/ledger".into(),
                who: "kim@acme.com, its owner".into(),
                how_many: 1,
                given: strings(&["kim"]),
            },
        ],
        superseded: vec![Superseded {
            digest: format!("sha256:81aa{}", "1".repeat(60)),
            head: "5d5d5d5d2c3b4a5968778695a4b3c2d1e0f01234".into(),
            run_url: Some(format!("{PAGE}/actions/runs/99")),
        }],
        ..of(Some(plan))
    }
}

#[test]
fn an_ordinary_comment() {
    let plan = ordinary();
    let text = comment(&whole(&plan), COMMENT_MAX);
    page("ordinary", &text);
    harmless(&text);
    assert!(has_marker(MarkerKind::Plan, "access/rolecall.yaml", &text));
    assert_snapshot!("comment_ordinary", text);
}

#[test]
fn what_stands_in_the_way_is_said_first() {
    let mut blocked = ordinary();
    blocked.targets[0].guards[0] = Verdict::new("admin-remains", Answer::Violated, "no administrator remains in prod")
        .help("keep one, or make another first");
    let text = comment(&of(Some(&blocked)), COMMENT_MAX);
    page("blocked", &text);
    harmless(&text);
    assert_snapshot!("comment_blocked", text);

    let mut unread = plan(vec![]);
    unread.unread = vec![Unread { target: "prod".into(), why: "out of reach: https://prod.example".into() }];
    let text = comment(&of(Some(&unread)), COMMENT_MAX);
    harmless(&text);
    assert_snapshot!("comment_unread", text);

    let problem = |severity, rule: &str| Problem {
        severity,
        rule: rule.into(),
        at: at("teams/data.yaml", 12),
        message: "the user `anna@acme.com` is not declared".into(),
        help: Some("did you mean `ana@acme.com`?".into()),
    };
    let wrong = Comment {
        problems: vec![problem(Severity::Warning, "grant-expires"), problem(Severity::Error, "unknown-name")],
        tests: None,
        ..of(None)
    };
    let text = comment(&wrong, COMMENT_MAX);
    harmless(&text);
    assert_snapshot!("comment_invalid", text);
    let failed = ordinary();
    let text = comment(&Comment { tests: Some((40, 41)), ..of(Some(&failed)) }, COMMENT_MAX);
    assert!(text.contains("⛔ 1 failed access test") && text.contains("**1 of 41 fail**"), "{text}");
}

#[test]
fn several_targets_and_forks() {
    let (mut one, two) = (ordinary(), ordinary());
    one.targets.push(target("stage", vec![], vec![]));
    one.targets.extend(two.targets.into_iter().map(|t| TargetPlan { target: "warehouse".into(), ..t }));
    let fork = Comment { fork: true, made: Made { read: None, ..made() }, ..of(Some(&one)) };
    let text = comment(&fork, COMMENT_MAX);
    page("several", &text);
    harmless(&text);
    assert_snapshot!("comment_several", text);
}

#[test]
fn what_became_of_it() {
    let plan = ordinary();
    let run = Run { id: "456/1".into(), url: Some(format!("{PAGE}/actions/runs/456")) };
    let head = |outcome: Outcome| {
        let text = comment(&Comment { outcome: Some(outcome), ..whole(&plan) }, COMMENT_MAX);
        harmless(&text);
        let lines: Vec<&str> = text.lines().collect();
        let table = lines.iter().position(|l| *l == "| | |").unwrap();
        format!("{}\n[...]\n{}", lines[1..table].join("\n"), lines[lines.len() - 1])
    };
    let applied = head(Outcome::Applied { run: run.clone(), done: 4 });
    let why = "prod refused: `eve@acme.com` is gone".to_owned();
    let stopped = head(Outcome::Stopped { run: run.clone(), done: 2, failed: 1, of: 4, why });
    let moved = strings(&["member contractors eve@acme.com is not there any more", "main is at 0a0a0a0a"]);
    let stale = head(Outcome::Stale { run, moved });
    assert_snapshot!("comment_outcomes", [applied, stopped, stale].join("\n\n=====\n\n"));
}

/// What somebody may write into a file, a system, a branch or a review.
const HOSTILE: [&str; 32] = [
    "\u{1b}[2J\u{1b}[31mred",
    "a|b||c",
    "a\\|b",
    "`````\n# not a heading",
    "``` x ``",
    "`",
    "@everyone @acme/owners",
    "eve@acme.com",
    "a|eve@acme.com",
    "x`mailto:eve@acme.com`@octocat",
    "\u{202e}nimda\u{202c}\u{200b}",
    "<script>alert(1)</script></details>",
    "</summary></details></table><h1>x</h1>",
    "<!-- rolecall:plan v1 {\"key\":\"k\"} -->",
    "--> <img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](http://evil.example/x.png)",
    "![track](https://evil.example/p.gif)",
    "https://evil.example/ www.evil.example ftp://evil.example",
    "fixes #1, GH-2, acme/x#3, acme/x@0123456, 0123456789abcdef",
    "**bold** __x__ ~~gone~~ &lt; &#64;octocat &commat;octocat",
    "[^1] [x]: http://evil.example \"t\"",
    "- [ ] task",
    "1. list\n2. list",
    "> [!WARNING]\n> quoted",
    "$x$ $$y$$ $`z`$",
    ":+1: :octocat:",
    "```diff\n- a\n```\n@octocat",
    "    indented",
    "|---|---|",
    "::error::x",
    "全角の名前 \u{0430}dmin",
    "",
];

/// A plan, and everything around it, in which every text is one of these.
struct Texts(Vec<String>, std::cell::Cell<usize>);

impl Texts {
    fn new(all: Vec<String>) -> Self {
        Self(all, std::cell::Cell::new(0))
    }

    fn next(&self) -> String {
        let at = self.1.get();
        self.1.set(at + 1);
        self.0[at % self.0.len()].clone()
    }

    fn some(&self, n: usize) -> Vec<String> {
        (0..n).map(|_| self.next()).collect()
    }

    fn place(&self) -> Option<Location> {
        Some(Location { file: self.next(), line: 7 })
    }

    fn line(&self, effect: AccessEffect, risk: AccessRisk, people: usize, on: usize) -> AccessLine {
        let ways = vec![
            of_team(&self.next(), &self.next()),
            Through::RoleEdit { role: self.next() },
            Through::Membership { team: self.next(), role: self.next() },
        ];
        AccessLine {
            people,
            who: self.some(people),
            resources: on,
            on: self.some(on),
            permissions: self.some(2),
            unpublished: self.some(1),
            through: ways.clone(),
            formerly: ways,
            but_on: self.some(1),
            ..line(effect, risk, &[], &[], Through::Ownership)
        }
    }

    fn plan(&self, rows: usize) -> Plan {
        use AccessEffect::{Gains, Loses, Path};
        use AccessRisk::{Administrator, Read, Write};
        let mut lines = Vec::new();
        let mut changes = Vec::new();
        for n in 0..rows {
            lines.push(self.line(Gains, if n == 0 { Administrator } else { Write }, 1 + n % 5, n % 5));
            lines.push(self.line(Loses, Read, 1 + n % 3, n % 3));
            lines.push(self.line(Path, Read, 1, 1));
            let member = MemberRecord { because: Some(self.next()), ..member(&self.next(), &self.next(), None) };
            changes.push((Change::AddMember { member: member.clone() }, self.place()));
            let because = Some(self.next());
            changes.push((Change::RemoveMember { member, reason: Why::Blocked { because } }, self.place()));
            let user = |text: String| UserRecord { name: Some(text), ..UserRecord::default() };
            changes.push((Change::UpdateUser { before: user(self.next()), after: user(self.next()) }, self.place()));
            changes.push((Change::RenameUser { from: self.next(), to: self.next() }, self.place()));
        }
        let verdict = |answer| Verdict::new(&self.next(), answer, self.next()).help(self.next());
        let mut one = target(&self.next(), changes, lines);
        one.guards = [Answer::Holds, Answer::Violated, Answer::Unknown].map(verdict).to_vec();
        one.notes = vec![Note {
            rule: Some(self.next()),
            message: self.next(),
            help: Some(self.next()),
            declared: self.place(),
        }];
        one.doubts = self.some(2);
        one.pending = self.some(2);
        one.takeovers = BTreeMap::from([(Kind::User, self.some(3))]);
        let mut plan = plan(vec![one.clone(), TargetPlan { target: self.next(), ..one }]);
        plan.unread = vec![Unread { target: self.next(), why: self.next() }];
        plan.guards = vec![verdict(Answer::Violated)];
        plan
    }

    fn comment<'a>(&self, plan: &'a Plan, key: &'a str) -> Comment<'a> {
        let problem = |severity| Problem {
            severity,
            rule: self.next(),
            at: self.place(),
            message: self.next(),
            help: Some(self.next()),
        };
        Comment {
            key,
            plan: Some(plan),
            problems: vec![problem(Severity::Error), problem(Severity::Warning)],
            tests: Some((1, 2)),
            drift: (0..3).map(|_| self.drifted()).collect(),
            approvals: vec![
                Approval { what: self.next(), who: self.next(), how_many: 2, given: self.some(1) },
                Approval { what: self.next(), who: self.next(), how_many: 1, given: self.some(2) },
            ],
            superseded: vec![Superseded { digest: self.next(), head: self.next(), run_url: Some(self.next()) }],
            made: Made {
                head: self.next(),
                branch: self.next(),
                base: self.next(),
                run: Run { id: self.next(), url: Some(format!("{PAGE}/{}", self.next())) },
                folder: self.next(),
                ..made()
            },
            outcome: Some(Outcome::Stale { run: Run { id: self.next(), url: None }, moved: self.some(3) }),
            fork: true,
        }
    }

    fn drifted(&self) -> Drifted {
        Drifted {
            target: self.next(),
            direction: Direction::Extra,
            what: self.next(),
            widens: true,
            since: None,
            by: Some(self.next()),
            declared: self.place(),
        }
    }

    fn issue(&self) -> DriftIssue {
        let allowed =
            || Allowed { target: self.next(), what: self.next(), owner: self.next(), reason: self.next(), until: None };
        DriftIssue {
            key: self.next(),
            drift: (0..9).map(|_| self.drifted()).collect(),
            allowed: vec![allowed(), allowed()],
            unread: vec![(self.next(), self.next())],
            made: Made { head: self.next(), branch: self.next(), ..made() },
            adopted_by: None,
        }
    }
}

#[test]
fn hostile_texts_are_read_and_do_nothing() {
    let texts = Texts::new(strings(&HOSTILE));
    // 32 texts, and 31 places in a row: everything meets everything.
    for round in 0..32 {
        texts.1.set(round);
        let plan = texts.plan(3);
        let key = texts.next();
        let text = comment(&texts.comment(&plan, &key), COMMENT_MAX);
        harmless(&text);
        assert!(has_marker(MarkerKind::Plan, &key, &text));
        let issue = texts.issue();
        harmless(&drift_issue(&issue, COMMENT_MAX));
        let title = drift_title(&issue);
        assert!(!title.contains(['@', '#', '<', '`', '\n', '[']), "{title}");
    }
    texts.1.set(0);
    let plan = texts.plan(11);
    let text = comment(&texts.comment(&plan, "k"), COMMENT_MAX);
    page("hostile", &text);
    assert_snapshot!("comment_hostile", text.replace('\u{200b}', "<ZWSP>"));
}

#[test]
fn an_issue_of_drift() {
    let issue = DriftIssue {
        key: "access/rolecall.yaml".into(),
        drift: vec![drifted("member data zoe@acme.com", false), drifted("grant finance/ledger team ops", true)],
        allowed: vec![Allowed {
            target: "prod".into(),
            what: "user break-glass@acme.com".into(),
            owner: "security@acme.com".into(),
            reason: "kept outside of the files on purpose".into(),
            until: Some(moment("2027-01-31")),
        }],
        unread: vec![("warehouse".into(), "out of reach: no answer in time".into())],
        made: made(),
        adopted_by: None,
    };
    let text = drift_issue(&issue, COMMENT_MAX);
    page("drift", &text);
    harmless(&text);
    assert!(has_marker(MarkerKind::Drift, "access/rolecall.yaml", &text));
    assert_snapshot!("drift_issue", format!("{}\n\n{text}", drift_title(&issue)));
}

#[test]
fn a_large_plan_says_what_matters_and_what_is_left_out() {
    use AccessEffect::{Gains, Loses};
    use AccessRisk::{Administrator, Read, Write};
    let names: Vec<String> = (0..1_500).map(|n| format!("user{n:04}@acme.com")).collect();
    let mut lines = Vec::new();
    let mut admin = line(Gains, Administrator, &["zoe@acme.com"], &[], of_team("owners", "admin"));
    admin.administrator = true;
    for (n, name) in names.iter().enumerate() {
        let team = format!("team{:02}", n % 20);
        lines.push(line(Gains, Write, &[name], &["project/a"], of_team(&team, "editor")));
        if n % 100 == 0 {
            lines.push(line(Loses, Read, &[name], &["project/b"], of_team(&team, "viewer")));
        }
    }
    lines.push(admin);
    let changes = names.iter().map(|n| (Change::AddMember { member: member("team", n, None) }, at("teams.yaml", 3)));
    let plan = plan(vec![target("prod", changes.collect(), lines)]);
    let text = comment(&of(Some(&plan)), COMMENT_MAX);
    page("large", &text);
    harmless(&text);
    assert!(text.len() <= COMMENT_MAX, "{}", text.len());
    let rows = text.lines().filter(|l| l.starts_with("| `")).count();
    assert_eq!(rows, 50, "the riskiest");
    assert!(text.contains("| **75 people**: `user0000@acme.com`, `user0020@acme.com` and 73 more | gain "), "{text}");
    assert!(text.contains("`read`) | `project/a` | team `team00` |"), "{text}");
    for said in ["zoe@acme.com", "everything as administrator", "user1400@acme.com", "| Can change something | 1,500 |"]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(text.contains("Left out here for want of room: ") && text.contains("rows of access"), "{text}");
    // The summary has room for all of it.
    let text = comment(&of(Some(&plan)), SUMMARY_MAX);
    assert!(text.len() > 100_000 && text.len() <= SUMMARY_MAX, "{}", text.len());
    assert!(!text.contains("Left out") && text.contains("user1499@acme.com"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_written_is_only_read(texts in proptest::collection::vec(fragment(), 1..60)) {
        let texts = Texts::new(texts);
        let plan = texts.plan(2);
        let key = texts.next();
        let text = comment(&texts.comment(&plan, &key), COMMENT_MAX);
        harmless(&text);
        prop_assert!(has_marker(MarkerKind::Plan, &key, &text));
        harmless(&drift_issue(&texts.issue(), COMMENT_MAX));
    }

    #[test]
    fn every_budget_is_kept(
        texts in proptest::collection::vec(fragment(), 1..40),
        repeat in 1..40_usize,
        rows in 0..80_usize,
        budget in BUDGET_MIN..80_000,
    ) {
        let texts = Texts::new(texts.into_iter().map(|t| t.repeat(repeat)).collect());
        let plan = texts.plan(rows);
        let key = texts.next();
        let all = texts.comment(&plan, &key);
        let text = comment(&all, budget);
        prop_assert!(text.len() <= budget, "{} > {budget}", text.len());
        harmless(&text);
        prop_assert!(text.contains("### rolecall · ") && text.contains("**Guards**"));
        if rows > 0 {
            prop_assert!(text.contains("**Gains**") && text.contains("**Loses**"), "{text}");
        }
        let mut issue = texts.issue();
        issue.drift = (0..rows * 4).map(|_| texts.drifted()).collect();
        let text = drift_issue(&issue, budget);
        prop_assert!(text.len() <= budget, "issue: {} > {budget}", text.len());
        harmless(&text);
    }
}

/// A text in which hostile pieces and any characters follow each other.
fn fragment() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => proptest::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        3 => "[@#<>`|\\[\\]()!*_~$&;:./\\-=+ \n\t\"'0-9a-f]{1,8}",
        2 => any::<char>().prop_map(String::from),
        2 => "[a-z]{1,8}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn options() -> Options<'static> {
    let mut options = Options::default();
    options.extension.table = true;
    options.extension.autolink = true;
    options.extension.strikethrough = true;
    options.extension.tasklist = true;
    options.extension.footnotes = true;
    options.extension.alerts = true;
    options.extension.math_dollars = true;
    options.extension.math_code = true;
    options.render.r#unsafe = true;
    options
}

/// Fails the test where anything in a comment is more than text, code, and what is ours.
#[track_caller]
fn harmless(markdown: &str) {
    assert!(!markdown.chars().any(|c| c != '\n' && c != '\u{200b}' && rolecall::model::is_invisible(c)), "{markdown}");
    let arena = Arena::new();
    let root = parse_document(&arena, markdown, &options());
    let (mut details, mut headings) = (0, 0);
    for node in root.descendants() {
        match &node.data.borrow().value {
            NodeValue::Link(link) => assert!(link.url.starts_with(PAGE), "{}\n{markdown}", link.url),
            NodeValue::HtmlBlock(html) => details += ours(&html.literal, markdown),
            NodeValue::HtmlInline(html) => {
                assert!(matches!(html.as_str(), "<code>" | "</code>"), "{html}\n{markdown}");
            }
            NodeValue::CodeBlock(block) => {
                assert!(block.fenced && block.info == "diff", "{block:?}");
                assert!(!block.literal.contains("<!--"), "{block:?}");
            }
            NodeValue::Heading(_) => {
                headings += 1;
                plain(node, markdown);
            }
            NodeValue::Paragraph | NodeValue::TableCell => plain(node, markdown),
            NodeValue::Table(_) => rectangular(node, markdown),
            NodeValue::Document
            | NodeValue::Text(_)
            | NodeValue::Code(_)
            | NodeValue::SoftBreak
            | NodeValue::Strong
            | NodeValue::Emph
            | NodeValue::Strikethrough
            | NodeValue::List(_)
            | NodeValue::Item(_)
            | NodeValue::BlockQuote
            | NodeValue::TableRow(_) => {}
            other => panic!("{other:?}\n{markdown}"),
        }
    }
    assert_eq!(details, 0, "details are closed\n{markdown}");
    assert!((1..=3).contains(&headings), "{headings} headings\n{markdown}");
}

/// The tags of a block that are opened, less those that are closed.
#[track_caller]
fn ours(html: &str, markdown: &str) -> i32 {
    let html = html.trim_end();
    if html.starts_with("<!-- rolecall:") {
        assert!(html.ends_with("-->") && markdown.starts_with(html), "{html}");
        return 0;
    }
    let mut rest = html.to_owned();
    for tag in ["<details open>", "<details>", "</details>", "<summary>", "</summary>"] {
        rest = rest.replace(tag, "");
    }
    assert!(!rest.contains(['<', '>', '@']), "{html}\n{markdown}");
    assert_eq!(html.matches("<summary>").count(), html.matches("</summary>").count());
    html.matches("<details").count() as i32 - html.matches("</details>").count() as i32
}

/// Fails the test where GitHub would mention somebody, or refer to something, from the words of a paragraph.
#[track_caller]
fn plain<'a>(paragraph: &'a AstNode<'a>, markdown: &str) {
    let mut text = String::new();
    let mut code = 0;
    for node in paragraph.descendants().skip(1) {
        match &node.data.borrow().value {
            NodeValue::HtmlInline(html) => code += if html == "<code>" { 1 } else { -1 },
            NodeValue::Text(words) if code == 0 => text.push_str(words),
            // Code is no word, and no word goes on behind it.
            _ => text.push(' '),
        }
    }
    assert_eq!(code, 0, "{markdown}");
    assert!(!text.contains(['@', '#', '`', '<']) && !text.contains("://") && !text.contains("www."), "{text}");
    for word in text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-') {
        let commit = word.len() >= 7 && word.len() <= 40 && word.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(!commit, "{word} in {text}");
        let (letters, digits) = word.split_once('-').unwrap_or_default();
        let reference = !letters.is_empty() && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        assert!(!(reference && letters.bytes().all(|b| b.is_ascii_alphabetic())), "{word} in {text}");
    }
}

/// Every row has as many cells as the head, in the source: what is too many would be dropped.
#[track_caller]
fn rectangular<'a>(table: &'a AstNode<'a>, markdown: &str) {
    let lines: Vec<&str> = markdown.lines().collect();
    let place = table.data.borrow().sourcepos;
    let rows = &lines[place.start.line - 1..place.end.line];
    let bars = rows[0].matches('|').count();
    for row in rows {
        assert_eq!(row.matches('|').count(), bars, "{row}\n{markdown}");
    }
}

/// Writes a page to look at, where somebody wants to.
fn page(name: &str, markdown: &str) {
    let Ok(folder) = std::env::var("ROLECALL_PAGES") else { return };
    let style = "body{font:14px/1.5 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;max-width:870px;margin:24px auto;\
                 padding:16px;border:1px solid #d1d9e0;border-radius:6px;color:#1f2328}h3,h4{margin:16px 0 8px}\
                 table{border-collapse:collapse;display:block;overflow:auto;margin-bottom:16px}\
                 td,th{border:1px solid #d1d9e0;padding:6px 13px;text-align:left}\
                 code{background:#eff1f3;padding:.2em .4em;border-radius:6px;font:85% ui-monospace,monospace}\
                 pre{background:#f6f8fa;padding:16px;border-radius:6px;overflow:auto}pre code{background:none;padding:0}\
                 blockquote{border-left:.25em solid #d1d9e0;color:#59636e;margin:0 0 16px;padding:0 1em}";
    let html = comrak::markdown_to_html(markdown, &options());
    let page = format!("<!doctype html><meta charset=utf-8><style>{style}</style>{html}");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(format!("{folder}/{name}.html"), page).unwrap();
}
