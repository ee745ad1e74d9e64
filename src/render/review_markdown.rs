//! A review as GitHub Markdown: a page for the people who decide, with a table for each risk and a box
//! for each decision.

use std::fmt::Write as _;

use super::markdown::{code, text};
use super::review_terminal::{counts, ends, policy, record};
use super::text::{name, prose};
use crate::diagnostic::Location;
use crate::review::{Review, Risk, TargetReview};

/// The review as Markdown.
#[must_use]
pub fn review(review: &Review) -> String {
    let mut out = String::new();
    for one in &review.targets {
        target(&mut out, review, one);
    }
    let _ = writeln!(out, "{}", text(&counts(review)));
    out
}

fn target(out: &mut String, review: &Review, target: &TargetReview) {
    let _ = writeln!(out, "## Access review · {} · {}\n", code(&name(&target.target)), review.at.day());
    let _ = writeln!(out, "- {}", text(&policy(&target.policy)));
    let _ = writeln!(out, "- {}", text(&record(review, &target.policy)));
    for note in &target.notes {
        let _ = writeln!(out, "- {}", text(&prose(note)));
    }
    out.push('\n');
    for risk in Risk::ALL {
        let items: Vec<_> = target.items.iter().filter(|i| i.risk == risk).collect();
        if items.is_empty() {
            continue;
        }
        let _ = writeln!(out, "### {} ({})\n", title(risk), items.len());
        out.push_str("| Decision | What | Question | Why it is listed | Declared | What to do |\n");
        out.push_str("| --- | --- | --- | --- | --- | --- |\n");
        for item in items {
            let _ = writeln!(
                out,
                "| ☐ keep ☐ end | {} | {} | {} | {} | {} |",
                code(&name(&item.object.to_string())),
                text(&name(&item.question)),
                text(&name(&item.because)),
                place(item.declared.as_ref()),
                text(&name(&item.advice)),
            );
        }
        out.push('\n');
    }
    if !target.ends_soon.is_empty() {
        let _ = writeln!(out, "### Ends soon ({})\n", target.ends_soon.len());
        out.push_str("| Decision | What | When | Declared |\n| --- | --- | --- | --- |\n");
        for ending in &target.ends_soon {
            let _ = writeln!(
                out,
                "| ☐ let it end ☐ extend | {} | {} | {} |",
                code(&name(&ending.object.to_string())),
                text(&name(&ends(ending.until, ending.days, ending.role.as_deref()))),
                place(ending.declared.as_ref()),
            );
        }
        out.push('\n');
    }
}

fn title(risk: Risk) -> &'static str {
    match risk {
        Risk::High => "High risk",
        Risk::Medium => "Medium risk",
        Risk::Low => "Low risk",
    }
}

fn place(declared: Option<&Location>) -> String {
    declared.map_or_else(|| "not in the files".to_owned(), |at| code(&name(&at.to_string())))
}
