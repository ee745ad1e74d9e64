//! No bytes make the loader panic or hang, and it never disagrees with the published schema.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rolecall::config::load_sources;
use rolecall::diagnostic::{Code, Finding, SourceMap};
use rolecall::model::Moment;
use rolecall::render::{Style, findings_github, findings_human, findings_json, findings_sarif};
use rolecall::targets::PROFILES;

/// Files to be damaged: small ones that use everything.
const GOOD: [&str; 6] = [
    include_str!("../../examples/quickstart/rolecall.yaml"),
    include_str!("../../examples/quickstart/people.yaml"),
    include_str!("../../examples/quickstart/access.yaml"),
    include_str!("../../examples/quickstart/teams/engineering.yaml"),
    include_str!("../../examples/many-systems/declaration/rolecall.yaml"),
    include_str!("../../examples/many-systems/declaration/systems/bi.yaml"),
];

/// How many cases: `ROLECALL_CASES` for a long run by hand.
fn cases() -> u32 {
    std::env::var("ROLECALL_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(400)
}

/// Loads a text and renders all that is found in every format.
fn survive(text: &str) -> Vec<Finding> {
    let mut sources = SourceMap::new();
    sources.add("rolecall.yaml", text);
    let now = Moment::parse("2026-11-21T12:00:00Z").unwrap();
    let begun = Instant::now();
    let loaded = load_sources(PathBuf::from("."), sources, &PROFILES, now);
    let sources = loaded.sources;
    let found = loaded.sink.into_sorted(&sources);
    let human = findings_human::findings(&found, &sources, Style { color: false, width: 80 });
    assert!(!human.contains('\u{1b}') && !human.contains('\u{202e}'), "control characters reach the terminal");
    serde_json::to_string(&findings_json::document(&found, &sources, "")).unwrap();
    serde_json::to_string(&findings_sarif::sarif(&found, &sources, "")).unwrap();
    assert!(findings_github::annotations(&found, &sources, "").lines().all(|l| l.starts_with("::")));
    // Linear work takes a second or two, also on a busy machine; what is quadratic takes hours.
    assert!(begun.elapsed() < Duration::from_secs(120), "{} bytes took {:?}", text.len(), begun.elapsed());
    found
}

/// One damage done to a text.
#[derive(Debug, Clone)]
enum Damage {
    Cut(usize),
    Remove(usize, usize),
    Insert(usize, String),
    Repeat(usize, usize, usize),
    Swap(usize, usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = 0usize..8_000;
    let pieces = prop::sample::select(vec![
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "&a ",
        "*a",
        "<<: *a\n",
        "!!str ",
        "!x ",
        "|\n",
        ">\n",
        "\t",
        "\n",
        "\n---\n",
        "null",
        "~",
        "true",
        "7",
        "1.5",
        "0x1f",
        "\u{feff}",
        "\u{202e}",
        "\u{1b}[31m",
        "\u{0}",
        "é",
        "💥",
        "#",
        "? ",
        "%YAML 1.2\n",
        "${A}",
        "users:\n",
        "  ",
        ", ",
        "@",
        "version: 2\n",
        "\r\n",
        "members: ",
        ".inf",
    ]);
    prop_oneof![
        at.clone().prop_map(Damage::Cut),
        (at.clone(), 1usize..60).prop_map(|(a, n)| Damage::Remove(a, n)),
        (at.clone(), pieces).prop_map(|(a, p)| Damage::Insert(a, p.to_owned())),
        (at.clone(), 1usize..40, 2usize..30).prop_map(|(a, n, k)| Damage::Repeat(a, n, k)),
        (at.clone(), at).prop_map(|(a, b)| Damage::Swap(a, b)),
    ]
}

fn apply(text: &str, damage: &Damage) -> String {
    let chars: Vec<char> = text.chars().collect();
    let len = chars.len().max(1);
    let collect = |parts: &[&[char]]| parts.iter().flat_map(|p| p.iter()).collect::<String>();
    match damage {
        Damage::Cut(at) => collect(&[&chars[..(at % len).min(chars.len())]]),
        Damage::Remove(at, n) => {
            let from = at % len;
            collect(&[&chars[..from.min(chars.len())], &chars[(from + n).min(chars.len())..]])
        }
        Damage::Insert(at, piece) => {
            let from = (at % len).min(chars.len());
            let piece: Vec<char> = piece.chars().collect();
            collect(&[&chars[..from], &piece, &chars[from..]])
        }
        Damage::Repeat(at, n, k) => {
            let from = (at % len).min(chars.len());
            let to = (from + n).min(chars.len());
            let mut out: String = chars[..to].iter().collect();
            for _ in 0..*k {
                out.extend(&chars[from..to]);
            }
            out.extend(&chars[to..]);
            out
        }
        Damage::Swap(a, b) => {
            let mut chars = chars;
            if !chars.is_empty() {
                let (a, b) = (a % chars.len(), b % chars.len());
                chars.swap(a, b);
            }
            chars.into_iter().collect()
        }
    }
}

fn agrees_with_schema(found: &[Finding]) -> Result<(), TestCaseError> {
    let refused: Vec<&Finding> = found.iter().filter(|f| f.code == Code::Schema).collect();
    prop_assert!(refused.is_empty(), "the schema refuses what the decoder takes: {:?}", refused);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,400}") {
        agrees_with_schema(&survive(&text))?;
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        survive(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn damaged_declarations(which in 0..GOOD.len(), damages in prop::collection::vec(damage(), 1..6)) {
        let mut text = GOOD[which].to_owned();
        for damage in &damages {
            text = apply(&text, damage);
            text.truncate(text.floor_char_boundary(200_000));
        }
        agrees_with_schema(&survive(&text))?;
    }

    #[test]
    fn values_of_the_wrong_type(
        which in 0..GOOD.len(),
        swaps in prop::collection::vec(
            (
                0usize..400,
                prop::sample::select(vec!["7", "-1", "1.5", "null", "true", "''", "[]", "{}", "[1]", "{a: 1}", "x", "' x'", "2027-02-30", "7d", "5%", ".inf", "\"a\\tb\""]),
            ),
            1..5,
        ),
    ) {
        // The value of a line `key: value` is replaced, whatever it was.
        let mut lines: Vec<String> = GOOD[which].lines().map(str::to_owned).collect();
        for (at, value) in &swaps {
            let at = at % lines.len();
            if let Some((key, _)) = lines[at].split_once(": ") {
                lines[at] = format!("{key}: {value}");
            }
        }
        agrees_with_schema(&survive(&lines.join("\n")))?;
    }
}

#[test]
fn large_and_deep_inputs_end_quickly() {
    survive(&"[".repeat(100_000));
    survive(&"{a: ".repeat(50_000));
    survive(&"- ".repeat(100_000));
    survive(&format!("version: 1\nx-a: [{}]\n", "a,".repeat(500_000)));
    survive(&format!("version: 1\nusers:\n{}", "  ? a\n".repeat(50_000)));
    let wide: String = (0..50_000).map(|n| format!("  u{n}@a.bc: {{}}\n")).collect();
    survive(&format!("version: 1\nusers:\n{wide}"));
    let doubles: String = (0..20_000).map(|_| "  ada@a.bc: {}\n").collect();
    survive(&format!("version: 1\nusers:\n{doubles}"));
    survive(&format!("version: 1\n# {}\n", "x".repeat(4_000_000)));
    survive(&format!("version: 1\nusers: {{a@b.cd: {{name: \"{}\"}}}}\n", "y".repeat(4_000_000)));
    assert!(peak_memory() < 1 << 30, "{} bytes were used", peak_memory());
}

#[test]
fn many_mistakes_cost_no_more_than_few() {
    use std::fmt::Write as _;

    let targets = "version: 1\ntargets: {home: {provider: directory, url: \"sqlite:h.db\", catalogue: strongly}}\n";
    let mut text = format!("{targets}teams:\n");
    for n in 0..50_000 {
        writeln!(text, "  t{n}: {{targets: [home], in: t{}}}", (n + 1) % 50_000).unwrap();
    }
    let circle: Vec<Finding> = survive(&text).into_iter().filter(|f| f.code == Code::Cycle).collect();
    assert_eq!(circle.len(), 1);
    assert!(circle[0].message.ends_with("and 49,995 more"), "{}", circle[0].message);
    assert_eq!(circle[0].related.len(), 4);

    let mut text = format!("{targets}users:\n");
    for n in 0..20_000 {
        writeln!(text, "  somebody.number{n}@acme.example: {{role: admin}}").unwrap();
    }
    text.push_str("teams:\n");
    for n in 0..400 {
        let members: Vec<String> = (0..100).map(|m| format!("somebody.nmber{}@acme.example", n * 50 + m)).collect();
        writeln!(text, "  t{n}: {{targets: [home], members: [{}]}}", members.join(", ")).unwrap();
    }
    let found = survive(&text);
    let helped = found.iter().any(|f| f.help.as_ref().is_some_and(|h| h.starts_with("did you mean `somebody.number")));
    assert!(helped, "{:?}", found.first());
}

/// The largest memory that this process has had, in bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kib = line.and_then(|l| l.trim().strip_suffix(" kB")).and_then(|n| n.trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
