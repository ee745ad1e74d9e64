//! A review as CSV (RFC 4180), for a spreadsheet: a row for everything to look at, with an empty
//! column for the decision.

use super::text::name;
use crate::review::{Ending, Item, Review};

/// The columns.
const HEAD: [&str; 13] = [
    "target", "risk", "topic", "kind", "object", "who", "question", "because", "since", "days", "declared", "advice",
    "decision",
];

/// The topic of rows about what ends soon; they have no risk.
const ENDS_SOON: &str = "ends-soon";

/// The review as CSV. A cell that a spreadsheet would take for a formula begins with an apostrophe.
#[must_use]
pub fn review(review: &Review) -> String {
    let mut out = String::new();
    row(&mut out, &HEAD.map(str::to_owned));
    for target in &review.targets {
        for item in &target.items {
            row(&mut out, &cells(&target.target, item));
        }
        for ending in &target.ends_soon {
            row(&mut out, &ending_cells(&target.target, ending));
        }
    }
    out
}

fn cells(target: &str, item: &Item) -> [String; 13] {
    let Item { risk, topic, object, who, question, because, since, days, declared, advice } = item;
    [
        target.to_owned(),
        risk.word().to_owned(),
        topic.word().to_owned(),
        object.kind.singular().to_owned(),
        object.name.clone(),
        who.clone().unwrap_or_default(),
        question.clone(),
        because.clone(),
        since.map(|s| s.to_string()).unwrap_or_default(),
        days.map(|d| d.to_string()).unwrap_or_default(),
        declared.as_ref().map(ToString::to_string).unwrap_or_default(),
        advice.clone(),
        String::new(),
    ]
}

fn ending_cells(target: &str, ending: &Ending) -> [String; 13] {
    let Ending { until, days, object, role, declared } = ending;
    [
        target.to_owned(),
        String::new(),
        ENDS_SOON.to_owned(),
        object.kind.singular().to_owned(),
        object.name.clone(),
        String::new(),
        "Is it to end?".to_owned(),
        super::review_terminal::ends(*until, *days, role.as_deref()),
        until.to_string(),
        days.to_string(),
        declared.as_ref().map(ToString::to_string).unwrap_or_default(),
        "write a later `until:`".to_owned(),
        String::new(),
    ]
}

fn row(out: &mut String, cells: &[String; 13]) {
    let cells: Vec<String> = cells.iter().map(|c| cell(&name(c))).collect();
    out.push_str(&cells.join(","));
    out.push_str("\r\n");
}

/// One cell, from clean text.
fn cell(clean: &str) -> String {
    // What spreadsheets begin a formula with; some take the wide forms as well.
    let formula = |c: char| "=+-@＝＋－＠".contains(c);
    let text = if clean.trim_start().starts_with(formula) { format!("'{clean}") } else { clean.to_owned() };
    let quoted = text.contains([',', '"', '\r', '\n']) || text.starts_with(' ') || text.ends_with(' ');
    if quoted { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_only_text() {
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,b"), "\"a,b\"");
        assert_eq!(cell("say \"a\""), "\"say \"\"a\"\"\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(cell("-2+3"), "'-2+3");
        assert_eq!(cell("+2"), "'+2");
        assert_eq!(cell(" =1"), "' =1");
        assert_eq!(cell("a "), "\"a \"");
        assert_eq!(cell("＝1"), "'＝1");
        assert_eq!(cell("=HYPERLINK(\"x\",\"y\")"), "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
        assert_eq!(cell("a=b"), "a=b");
    }
}
