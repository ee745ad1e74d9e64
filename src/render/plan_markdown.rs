//! A plan as GitHub Markdown, for pull requests: the verdict, the guards, who gains and who loses,
//! and the changes themselves folded away.

use std::fmt::Write as _;

use super::access;
use super::besides::besides;
use super::changes::{Effects, Line, Section, of_steps, sections};
use super::markdown::{code, fence, text};
use super::plan_parts as parts;
use super::text::{name, prose, thousands};
use crate::access::AccessEffect;
use crate::diagnostic::Location;
use crate::invariants::{Answer, Verdict};
use crate::model::Effect;
use crate::plan::{Note, Plan, TargetPlan};

/// Changes up to this many are not folded away.
const OPEN: usize = 10;

/// So many of those who are only counted are named.
const NAMED: usize = 50;

/// So many things besides access are shown.
const BESIDES: usize = 40;

/// The whole plan as Markdown.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    for said in parts::revisions(plan) {
        let _ = writeln!(out, "{}\n", text(&said));
    }
    for one in &plan.targets {
        target(&mut out, one, plan.between.is_some());
    }
    for unread in &plan.unread {
        let (target, why) = (code(&name(&unread.target)), text(&prose(&unread.why)));
        let _ = writeln!(out, "### rolecall · {target} · **cannot be read**\n\n{why}\n");
    }
    let consents = parts::consents(plan);
    if !plan.guards.is_empty() {
        out.push_str("### rolecall · consents\n\n");
        guards(&mut out, &plan.guards);
    }
    if let Some(consents) = consents {
        let _ = writeln!(out, "{}\n", text(&consents));
    }
    let stopped = parts::blocking(plan);
    if !stopped.is_empty() {
        let verb = if stopped.len() == 1 { "does" } else { "do" };
        let rules = stopped.iter().map(|r| code(r)).collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "**Blocked:** {rules} {verb} not hold. Nothing of this plan will be applied.\n");
    }
    if !plan.unread.is_empty() {
        let _ = writeln!(out, "**This is no plan for {}.**\n", text(&parts::unread(plan)));
    }
    let effects = Effects::of(plan.targets.iter().flat_map(|t| &t.steps));
    let summary = if plan.is_empty() { "No changes.".to_owned() } else { format!("Plan: {effects}.") };
    let (digest, commit) = parts::seal(plan);
    let of = commit.map(|of| format!(" for {}", text(&of))).unwrap_or_default();
    let _ = writeln!(out, "{summary} Digest {}{of}", code(&digest));
    out
}

/// The order of a plan, folded away.
#[must_use]
pub fn order(plan: &Plan) -> String {
    let lines = super::order_text::order_lines(plan);
    if lines.is_empty() {
        return String::new();
    }
    format!("\n<details><summary>Order</summary>\n\n{}\n</details>\n", fence("text", &lines))
}

fn target(out: &mut String, plan: &TargetPlan, between: bool) {
    let said = if plan.is_empty() { "no changes".to_owned() } else { text(&access::verdict(&plan.access)) };
    let blocked = if plan.is_blocked() { " · **blocked**" } else { "" };
    let _ = writeln!(out, "### rolecall · {} · {said}{blocked}\n", code(&name(&plan.target)));
    if plan.is_empty() {
        let said = if between { parts::nothing_between(plan) } else { parts::nothing(plan) };
        let _ = writeln!(out, "{}\n", text(&said));
    } else {
        let effects = Effects::of(plan.steps.iter());
        let (provider, promise) = (text(&name(&plan.provider)), parts::promise(plan.level));
        let _ = writeln!(out, "{effects} · {provider}, {promise}\n");
        if let Some(forecast) = parts::forecast(plan) {
            let _ = writeln!(out, "{}\n", text(&forecast));
        }
    }
    guards(out, &plan.guards);
    for section in access::sections(&plan.access) {
        table(out, &section);
    }
    let approvals = parts::approvals(plan);
    if !approvals.is_empty() {
        out.push_str("**Needs the approval of**\n\n");
        for approval in approvals {
            let _ = writeln!(out, "- {}", text(&prose(&approval)));
        }
        out.push('\n');
    }
    let besides = besides(plan);
    if !besides.is_empty() {
        out.push_str("**Besides access**\n\n");
    }
    for one in besides.iter().take(BESIDES) {
        let said = if one.administrator { format!("**{}** ‼️", text(&one.text)) } else { text(&one.text) };
        let at = one.declared.as_ref().map(|l| format!(" ({})", place(Some(l)))).unwrap_or_default();
        let _ = writeln!(out, "- {said}{at}");
    }
    if besides.len() > BESIDES {
        let _ = writeln!(out, "- … {} more", thousands(besides.len() - BESIDES));
    }
    if !besides.is_empty() {
        out.push('\n');
    }
    if let Some(said) = access::without_effect(plan) {
        let _ = writeln!(out, "{}\n", text(&said));
    }
    let changes = sections(of_steps(&plan.steps));
    folded(out, "Changes in full", plan.steps.len(), &changes);
    let observed = sections(plan.observed.iter().map(|o| (&o.change, o.declared.as_ref())));
    folded(out, "Different and not written", plan.observed.len(), &observed);
    let drift = sections(plan.drift.iter().map(|o| (&o.change, o.declared.as_ref())));
    titled(out, &parts::drift(plan), false, &drift);
    notes(out, plan);
}

fn guards(out: &mut String, guards: &[Verdict]) {
    if guards.is_empty() {
        return;
    }
    out.push_str("| Guard | | |\n|---|---|---|\n");
    let holding = guards.iter().filter(|g| g.answer == Answer::Holds);
    for verdict in parts::failing(guards).into_iter().chain(holding) {
        let answer = match verdict.answer {
            Answer::Holds => "✅ holds".to_owned(),
            Answer::Violated => format!("⛔ **{}**", parts::answer(verdict.answer)),
            Answer::Unknown => format!("⚠️ **{}**", parts::answer(verdict.answer)),
        };
        let help = verdict.help.as_deref().map(|h| format!("<br>help: {}", text(&prose(h)))).unwrap_or_default();
        let said = text(&parts::message(verdict));
        let _ = writeln!(out, "| {} | {answer} | {said}{help} |", code(&name(&verdict.rule)));
    }
    out.push('\n');
}

fn table(out: &mut String, section: &access::Section<'_>) {
    let _ = writeln!(out, "**{}**\n\n| Who | Access | Where | Through |\n|---|---|---|---|", section.title);
    let mut before = None;
    for &line in &section.lines {
        let continues = before.is_some_and(|b| access::continues(line, b));
        let who = match (continues, access::is_counted(line)) {
            (true, _) => String::new(),
            (false, false) => code(&access::who(line)),
            (false, true) => {
                let (who, names) = (text(&access::who(line)), code(&access::names(line, NAMED)));
                format!("<details><summary>{who}</summary>{names}</details>")
            }
        };
        let what = if line.effect == AccessEffect::Path { String::new() } else { format!(" {}", access::what(line)) };
        let what = text(&format!("{}{what}", access::verb(line)));
        let what = if line.administrator { format!("**{what}** ‼️") } else { what };
        let place = if line.resources == 0 { "everywhere".to_owned() } else { access::place(line) };
        let but = access::but(line).map(|but| format!("; {but}")).unwrap_or_default();
        let (place, way) = (text(&format!("{place}{but}")), text(&access::through(line)));
        let _ = writeln!(out, "| {who} | {what} | {place} | {way} |");
        before = Some(line);
    }
    if section.more > 0 {
        let _ = writeln!(out, "| … {} more | | | |", thousands(section.more));
    }
    out.push('\n');
}

fn place(at: Option<&Location>) -> String {
    at.map(|l| code(&name(&l.to_string()))).unwrap_or_default()
}

fn folded(out: &mut String, title: &str, count: usize, sections: &[Section]) {
    titled(out, &format!("{title} ({})", thousands(count)), count <= OPEN, sections);
}

fn titled(out: &mut String, title: &str, open: bool, sections: &[Section]) {
    if sections.is_empty() {
        return;
    }
    let open = if open { " open" } else { "" };
    let _ = writeln!(out, "<details{open}><summary>{title}</summary>\n");
    let lines: Vec<String> = sections.iter().flat_map(|s| &s.lines).flat_map(drawn).collect();
    out.push_str(&fence("diff", &lines));
    out.push_str("\n</details>\n\n");
}

/// The lines of a change as GitHub colours them: it knows `!`, and not `~`.
pub(super) fn drawn(line: &Line) -> Vec<String> {
    let place = line.declared.as_ref().map(|l| format!("  # {}", name(&l.to_string()))).unwrap_or_default();
    let head = match line.effect {
        Some(Effect::Change) => line.text.replacen('~', "!", 1),
        Some(Effect::Add | Effect::Remove) => line.text.clone(),
        None => format!("  {}", line.text),
    };
    let details = line.details.iter().map(|detail| {
        let sign = detail.effect.map_or(' ', super::describe::sign);
        format!("{sign}     {}", detail.text)
    });
    std::iter::once(format!("{head}{place}")).chain(details).collect()
}

fn notes(out: &mut String, plan: &TargetPlan) {
    let mut lines: Vec<String> = parts::takeovers(plan).iter().map(|t| text(t)).collect();
    for Note { rule, message, help, declared } in &plan.notes {
        let rule = rule.as_deref().map(|r| format!("{}: ", code(&name(r)))).unwrap_or_default();
        let at = declared.as_ref().map(|l| format!(" ({})", place(Some(l)))).unwrap_or_default();
        let help = help.as_deref().map(|h| format!("<br>help: {}", text(&prose(h)))).unwrap_or_default();
        lines.push(format!("{rule}{}{at}{help}", text(&prose(message))));
    }
    lines.extend(parts::remarks(plan).iter().map(|r| text(r)));
    if lines.is_empty() {
        return;
    }
    out.push_str("**Notes**\n\n");
    for line in lines {
        let _ = writeln!(out, "- {line}");
    }
    out.push('\n');
}
