//! Names that want more than to be read.

use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::fixture::{COLOR, NARROW, at, line, member, plan, resource, roles, target, user};
use crate::access::{AccessEffect, AccessLine, AccessRisk, Through};
use crate::invariants::{Answer, Verdict};
use crate::model::{Change, Kind, PrincipalRecord, ResourceRecord, Why};
use crate::plan::{Note, Plan};
use crate::render::{plan_markdown, plan_terminal, text};

const NAMES: [&str; 10] = [
    "\u{1b}[2J\u{1b}[31mred",
    "a|b||c",
    "`````\n# not a heading",
    "@everyone @acme/owners",
    "\u{202e}nimda\u{202c}",
    "<script>alert(1)</script></details>",
    "<!-- rolecall:plan v1 -->",
    "[click](javascript:alert(1)) ![x](http://evil/x.png)",
    "fixes #1 \\| **bold** ~~gone~~ &lt;",
    "全角の名前",
];

fn hostile() -> Plan {
    let mut changes = Vec::new();
    let long = "x".repeat(300);
    for (bad, line) in NAMES.iter().copied().chain([long.as_str()]).zip(1..) {
        let place = at(&format!("{bad}.yaml"), line);
        changes.push((Change::CreateUser { user: user(bad, bad) }, place.clone()));
        changes.push((Change::AddMember { member: member(bad, bad) }, place.clone()));
        let to = PrincipalRecord::Team(bad.into());
        changes.push((Change::GiveGrant { to, resource: bad.into(), roles: roles(&[bad]) }, place.clone()));
        let reason = Why::Blocked { because: Some(bad.into()) };
        changes.push((Change::DisableUser { user: user(&format!("b{bad}"), bad), reason }, place.clone()));
        let before = ResourceRecord { description: Some(format!("{bad}\n{bad}\n{long}")), ..resource(bad) };
        changes.push((Change::UpdateResource { before, after: resource(bad) }, place));
    }
    let all: Vec<String> = NAMES.iter().map(|n| (*n).to_owned()).collect();
    let mut one = target(NAMES[5], changes);
    for (index, bad) in NAMES.iter().copied().enumerate() {
        let (effect, risk) = (AccessEffect::Gains, AccessRisk::Write);
        let way = Through::TeamGrant { team: bad.into(), role: bad.into() };
        let few = AccessLine { through: vec![way.clone()], ..line(effect, risk, &[bad], &[bad], &[bad, "read"]) };
        let others: Vec<&str> = NAMES.iter().copied().skip(index % 5).collect();
        let path = AccessLine { formerly: vec![way], ..line(AccessEffect::Path, risk, &others, &[bad], &[]) };
        one.access.lines.extend([few, path]);
    }
    one.provider = NAMES[1].into();
    one.takeovers = BTreeMap::from([(Kind::User, all.clone())]);
    one.pending.clone_from(&all);
    one.expired_invitations.clone_from(&all);
    one.notes = all
        .iter()
        .map(|n| Note { rule: Some(n.clone()), message: n.clone(), help: Some(n.clone()), declared: at(n, 1) })
        .collect();
    one.guards = all.iter().map(|n| Verdict::new(n, Answer::Violated, n.clone()).help(n.clone())).collect();
    plan(vec![one])
}

#[test]
fn a_terminal_shows_hostile_names_and_nothing_more() {
    let shown = plan_terminal::plan(&hostile(), NARROW);
    assert!(!shown.chars().any(|c| c != '\n' && crate::model::is_invisible(c)), "{shown}");
    for line in shown.lines() {
        assert!(text::width(line) <= 60, "{line}");
    }
    let colored = plan_terminal::plan(&hostile(), COLOR);
    assert!(!colored.contains("\u{1b}[2J") && !colored.contains('\u{202e}'));
    let start = shown.find("  Users\n").unwrap();
    let users: String = shown[start..].lines().take(14).map(|l| format!("{l}\n")).collect();
    assert_snapshot!(users, @r#"
Users
  + user <U+001B>[2J<U+001B>[31mred
      (<U+001B>[2J<U+001B>[31mred)
      <U+001B>[2J<U+001B>[31mred.yaml:1
  + user <!-- rolecall:plan v1 --> (<!-- rolecall:plan
      v1 -->)             <!-- rolecall:plan v1 -->.yaml:7
  + user <script>alert(1)</script></details>
      (<script>alert(1)</script></details>)
      <script>alert(1)</script></details>.yaml:6
  + user @everyone @acme/owners (@everyone
      @acme/owners)          @everyone @acme/owners.yaml:4
  + user [click](javascript:alert(1))
      ![x](http://evil/x.png)
      ([click](javascript:alert(1))
"#);
}

/// Whatever stands outside of fences, line by line.
fn outside(markdown: &str) -> Vec<&str> {
    let mut fence: Option<String> = None;
    let mut lines = Vec::new();
    for line in markdown.lines() {
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if line == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 && !line[ticks.len()..].contains('`') => fence = Some(ticks),
            None => lines.push(line),
        }
    }
    assert_eq!(fence, None, "a fence is not closed");
    lines
}

#[test]
fn markdown_shows_hostile_names_and_nothing_more() {
    let markdown = plan_markdown::plan(&hostile());
    assert!(!markdown.contains("<!--"));
    assert!(!markdown.chars().any(|c| c != '\n' && c != '\u{200b}' && crate::model::is_invisible(c)));
    let ours = ["<code>", "</code>", "<br>", "<details open>", "<details>", "</details>", "<summary>", "</summary>"];
    let mut tables = 0;
    for line in outside(&markdown) {
        let mut rest = line.to_owned();
        for tag in ours {
            rest = rest.replace(tag, "");
        }
        assert!(!rest.contains('<'), "{line}");
        assert!(!rest.contains("://") || line.contains('`'), "{line}");
        assert!(!rest.contains("](") && !rest.contains("~~"), "{line}");
        // Within code nobody is mentioned; elsewhere every `@` that could mention is held apart.
        let plain: String = rest.split('`').step_by(2).collect();
        assert!(!plain.contains('@'), "{line}");
        for (place, _) in plain.match_indices("&#64;") {
            let before = plain[..place].chars().next_back().unwrap_or(' ');
            let after = plain[place + 5..].chars().next();
            let in_code = line.contains("<code>");
            assert!(before.is_ascii_alphanumeric() || after == Some('\u{200b}') || in_code, "{line}");
        }
        if line.starts_with('|') {
            tables += 1;
            let bars = line.matches('|').count();
            assert!(bars == 4 || bars == 5, "{line}");
        }
    }
    assert!(tables > 30);
    assert_eq!(markdown.matches("<details").count(), outside(&markdown).join("\n").matches("</details>").count());
    let start = markdown.find("**Who can change something**").unwrap();
    let rows: String = markdown[start..].lines().take(16).map(|l| format!("{l}\n")).collect();
    let rows = rows.replace('\u{200b}', "<ZWSP>");
    assert_snapshot!(rows, @r#"
**Who can change something**

| Who | Access | Where | Through |
|---|---|---|---|
| <code>&lt;U+001B&gt;&#91;2J&lt;U+001B&gt;&#91;31mred</code> | gains &lt;U+001B&gt;&#91;2J&lt;U+001B&gt;&#91;31mred (&lt;U+001B&gt;&#91;2J&lt;U+001B&gt;&#91;31mred, read) | on &lt;U+001B&gt;&#91;2J&lt;U+001B&gt;&#91;31mred | through team &lt;U+001B&gt;&#91;2J&lt;U+001B&gt;&#91;31mred |
| <code>a&#124;b&#124;&#124;c</code> | gains a&#124;b&#124;&#124;c (a&#124;b&#124;&#124;c, read) | on a&#124;b&#124;&#124;c | through team a&#124;b&#124;&#124;c |
| <code>&#96;&#96;&#96;&#96;&#96;&lt;U+000A&gt;&#35; not a heading</code> | gains &#96;&#96;&#96;&#96;&#96;&lt;U+000A&gt;&#35;<ZWSP> not a heading (&#96;&#96;&#96;&#96;&#96;&lt;U+000A&gt;&#35;<ZWSP> not a heading, read) | on &#96;&#96;&#96;&#96;&#96;&lt;U+000A&gt;&#35;<ZWSP> not a heading | through team &#96;&#96;&#96;&#96;&#96;&lt;U+000A&gt;&#35;<ZWSP> not a heading |
| `@everyone @acme/owners` | gains &#64;<ZWSP>everyone &#64;<ZWSP>acme/owners (&#64;<ZWSP>everyone &#64;<ZWSP>acme/owners, read) | on &#64;<ZWSP>everyone &#64;<ZWSP>acme/owners | through team &#64;<ZWSP>everyone &#64;<ZWSP>acme/owners |
| <code>&lt;U+202E&gt;nimda&lt;U+202C&gt;</code> | gains &lt;U+202E&gt;nimda&lt;U+202C&gt; (&lt;U+202E&gt;nimda&lt;U+202C&gt;, read) | on &lt;U+202E&gt;nimda&lt;U+202C&gt; | through team &lt;U+202E&gt;nimda&lt;U+202C&gt; |
| <code>&lt;script&gt;alert(1)&lt;/script&gt;&lt;/details&gt;</code> | gains &lt;script&gt;alert(1)&lt;/script&gt;&lt;/details&gt; (&lt;script&gt;alert(1)&lt;/script&gt;&lt;/details&gt;, read) | on &lt;script&gt;alert(1)&lt;/script&gt;&lt;/details&gt; | through team &lt;script&gt;alert(1)&lt;/script&gt;&lt;/details&gt; |
| <code>&lt;&#33;-- rolecall:plan v1 --&gt;</code> | gains &lt;&#33;-- rolecall:plan v1 --&gt; (&lt;&#33;-- rolecall:plan v1 --&gt;, read) | on &lt;&#33;-- rolecall:plan v1 --&gt; | through team &lt;&#33;-- rolecall:plan v1 --&gt; |
| <code>&#91;click&#93;(javascript:alert(1)) &#33;&#91;x&#93;(http&#58;//evil/x.png)</code> | gains &#91;click&#93;(javascript:alert(1)) &#33;&#91;x&#93;(http&#58;//evil/x.png) (&#91;click&#93;(javascript:alert(1)) &#33;&#91;x&#93;(http&#58;//evil/x.png), read) | on &#91;click&#93;(javascript:alert(1)) &#33;&#91;x&#93;(http&#58;//evil/x.png) | through team &#91;click&#93;(javascript:alert(1)) &#33;&#91;x&#93;(http&#58;//evil/x.png) |
| <code>fixes &#35;1 &#92;&#124; &#42;&#42;bold&#42;&#42; &#126;&#126;gone&#126;&#126; &amp;lt;</code> | gains fixes &#35;<ZWSP>1 &#92;&#124; &#42;&#42;bold&#42;&#42; &#126;&#126;gone&#126;&#126; &amp;lt; (fixes &#35;<ZWSP>1 &#92;&#124; &#42;&#42;bold&#42;&#42; &#126;&#126;gone&#126;&#126; &amp;lt;, read) | on fixes &#35;<ZWSP>1 &#92;&#124; &#42;&#42;bold&#42;&#42; &#126;&#126;gone&#126;&#126; &amp;lt; | through team fixes &#35;<ZWSP>1 &#92;&#124; &#42;&#42;bold&#42;&#42; &#126;&#126;gone&#126;&#126; &amp;lt; |
| `全角の名前` | gains 全角の名前 (全角の名前, read) | on 全角の名前 | through team 全角の名前 |

**The same access by another way**
"#);
}
