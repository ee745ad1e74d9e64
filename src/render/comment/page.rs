//! The page of a comment, part by part, in as much detail as there is room for.

use std::fmt::Write as _;

use super::causes::Causes;
use super::detail::Detail;
use super::escape::{cut, link, named, path, said};
use super::rows::{Row, counts, grouped};
use super::{Approval, Comment, Drifted, Made, MarkerKind, Outcome, Problem, Run, marker};
use crate::access::{AccessEffect, AccessLine};
use crate::diagnostic::{Location, Severity};
use crate::invariants::{Answer, Verdict};
use crate::model::Moment;
use crate::plan::{Plan, TargetPlan};
use crate::render::access;
use crate::render::besides::besides;
use crate::render::changes::{Effects, Line, of_steps, sections};
use crate::render::describe;
use crate::render::details;
use crate::render::markdown::fence;
use crate::render::plan_markdown::drawn;
use crate::render::plan_parts as parts;
use crate::render::text::{listed, name, short_digest, thousands};

/// Changes up to this many are not folded away.
const OPEN: usize = 10;

/// So many signs of a commit are shown.
const COMMIT: usize = 7;

/// Where people are counted, so many groups of them are shown.
const GROUPS: usize = 15;

/// The title of their table.
const LARGEST: &str = "The largest groups";

/// So many rules that hold are named.
const HOLDING: usize = 40;

/// What was left out, by what it is.
#[derive(Debug, Default)]
pub(super) struct Left(Vec<(&'static str, usize)>);

impl Left {
    pub(super) fn add(&mut self, what: &'static str, n: usize) {
        if n == 0 {
            return;
        }
        match self.0.iter_mut().find(|(w, _)| *w == what) {
            Some((_, all)) => *all += n,
            None => self.0.push((what, n)),
        }
    }

    /// The first of a list; how many others there are is kept.
    pub(super) fn first<'a, T>(&mut self, what: &'static str, all: &'a [T], most: usize) -> &'a [T] {
        self.add(what, all.len().saturating_sub(most));
        all.get(..most.min(all.len())).unwrap_or_default()
    }

    pub(super) fn said(&self) -> Option<String> {
        let parts: Vec<String> = self.0.iter().map(|(what, n)| format!("{} {what}", thousands(*n))).collect();
        (!parts.is_empty()).then(|| format!("Left out here for want of room: {}.", listed(&parts)))
    }
}

struct Page<'a> {
    comment: &'a Comment<'a>,
    detail: &'a Detail,
    left: Left,
    out: String,
    budget: usize,
}

/// The page; as soon as it has more bytes than `budget`, it goes on no further.
pub(super) fn page(comment: &Comment<'_>, detail: &Detail, budget: usize) -> String {
    let mut page = Page { comment, detail, left: Left::default(), out: String::new(), budget };
    page.head();
    page.outcome();
    page.facts();
    page.problems();
    let plans: &[TargetPlan] = comment.plan.map(|p| p.targets.as_slice()).unwrap_or_default();
    let several = plans.len() > 1;
    // A target to which nothing happens is a line.
    let (quiet, busy): (Vec<&TargetPlan>, Vec<&TargetPlan>) =
        plans.iter().partition(|t| t.is_empty() && several && failing(t) == 0 && t.observed.is_empty());
    for target in page.left.first("targets", &busy, detail.targets) {
        page.target(target, several);
        if page.is_over() {
            return page.out;
        }
    }
    page.quiet(&quiet);
    page.whole_plan();
    page.drift();
    page.previous();
    page.next();
    page.out
}

fn failing(plan: &TargetPlan) -> usize {
    plan.guards.iter().filter(|g| g.answer != Answer::Holds).count()
}

impl Page<'_> {
    /// Whether it is too long already, so that the rest need not be made.
    fn is_over(&self) -> bool {
        self.out.len() > self.budget
    }

    fn link(&self, shown: &str, url: Option<&str>) -> String {
        link(shown, url, self.comment.made.repository.as_deref())
    }

    fn help(&self, help: Option<&str>) -> String {
        help.map(|h| format!(" · *Help:* {}", self.said(h))).unwrap_or_default()
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    fn named(&self, text: &str) -> String {
        named(text, self.detail.name)
    }

    fn said(&self, text: &str) -> String {
        said(text, self.detail.sentence)
    }

    fn place(&self, at: &Location) -> String {
        place(at, &self.comment.made, self.detail)
    }

    fn head(&mut self) {
        let Comment { key, made, plan, .. } = self.comment;
        let digest = plan.map(|p| p.digest.as_str()).unwrap_or_default();
        let facts = [("digest", digest), ("head", &made.head), ("base", &made.base), ("run", &made.run.id)];
        let facts: Vec<(&str, String)> = facts.into_iter().map(|(k, v)| (k, cut(v, 72))).collect();
        let facts: Vec<(&str, &str)> = facts.iter().map(|(k, v)| (*k, v.as_str())).collect();
        let line = marker(MarkerKind::Plan, key, &facts);
        self.line(&line);
        let head = format!("### rolecall · {}{}\n", self.verdict(), self.state());
        self.line(&head);
    }

    fn verdict(&self) -> String {
        let Some(plan) = self.comment.plan else { return "no plan".to_owned() };
        let said = |t: &TargetPlan| if t.is_empty() { "no changes".to_owned() } else { access::verdict(&t.access) };
        let short = |t: &TargetPlan| named(&t.target, self.detail.name.min(60));
        match plan.targets.as_slice() {
            [] if !plan.unread.is_empty() => {
                let targets: Vec<String> =
                    plan.unread.iter().take(3).map(|u| named(&u.target, self.detail.name.min(60))).collect();
                format!("{} · no plan", targets.join(", "))
            }
            [] => "no targets".to_owned(),
            [one] => format!("{} · {}", short(one), said(one)),
            all => {
                const SHOWN: usize = 3;
                let busy: Vec<&TargetPlan> = all.iter().filter(|t| !t.is_empty()).collect();
                let shown = busy.iter().take(SHOWN).map(|t| format!("{}: {}", short(t), said(t)));
                let mut parts: Vec<String> = shown.collect();
                match (busy.len(), busy.len().saturating_sub(SHOWN)) {
                    (0, _) => parts.push(format!("{} targets, no changes", thousands(all.len()))),
                    (_, 0) => {}
                    (_, more) => parts.push(format!("{} more targets", thousands(more))),
                }
                parts.join(" · ")
            }
        }
    }

    /// What stands in the way, or what became of it.
    fn state(&self) -> String {
        let errors = self.comment.problems.iter().filter(|p| p.severity == Severity::Error).count();
        let tests = self.comment.tests.map_or(0, |(passed, all)| all.saturating_sub(passed));
        let missing: Vec<&Approval> = self.comment.approvals.iter().filter(|a| !a.is_complete()).collect();
        let count = |n: usize, word: &str| format!("{} {word}{}", thousands(n), if n == 1 { "" } else { "s" });
        let plan = self.comment.plan;
        let text = match &self.comment.outcome {
            Some(Outcome::Applied { .. }) => "✅ applied".to_owned(),
            Some(Outcome::Stopped { done: 0, failed: 0, .. }) => "⛔ not applied".to_owned(),
            Some(Outcome::Stopped { done, of, .. }) => {
                format!("⛔ stopped after {} of {}", thousands(*done), thousands(*of))
            }
            Some(Outcome::Stale { .. }) => "⛔ not applied: out of date".to_owned(),
            None if errors > 0 => format!("⛔ {}", count(errors, "error")),
            None if tests > 0 => format!("⛔ {}", count(tests, "failed access test")),
            None if plan.is_some_and(Plan::is_blocked) => "⛔ blocked".to_owned(),
            None if plan.is_some_and(|p| !p.unread.is_empty()) => "⛔ not everything could be read".to_owned(),
            None => match missing.as_slice() {
                [] => return String::new(),
                [one] => format!("⏳ needs {}", named(&one.who, self.detail.name.min(60))),
                more => format!("⏳ needs {} approvals", thousands(more.len())),
            },
        };
        format!(" · {text}")
    }

    fn outcome(&mut self) {
        let Some(outcome) = &self.comment.outcome else { return };
        let made = &self.comment.made;
        let of_run =
            |run: &Run| link(&format!("run {}", named(&run.id, 40)), run.url.as_deref(), made.repository.as_deref());
        match outcome {
            Outcome::Applied { run, done } => {
                let changes = if *done == 1 { "change" } else { "changes" };
                let done = thousands(*done);
                let text = format!("> ✅ **Applied** by {}: {done} {changes}, exactly the plan below.\n", of_run(run));
                self.line(&text);
            }
            Outcome::Stopped { run, done: 0, failed: 0, why, .. } => {
                let text = format!("> ⛔ **Nothing was applied** by {}: {}\n", of_run(run), self.said(why));
                self.line(&text);
            }
            Outcome::Stopped { run, done, failed, of, why } => {
                let rest = of.saturating_sub(done + failed);
                let (done, of, failed, rest) = (thousands(*done), thousands(*of), thousands(*failed), thousands(rest));
                let text = format!(
                    "> ⛔ **Stopped** in {} after {done} of {of} changes: {failed} failed, {rest} not attempted. {}\n>\n\
                     > What was done is in the ledger (`rolecall history`); the next apply continues from there.\n",
                    of_run(run),
                    self.said(why)
                );
                self.line(&text);
            }
            Outcome::Stale { run, moved } => {
                let text = format!(
                    "> ⛔ **Nothing was applied** by {}: what would be done is no longer what was reviewed.\n>",
                    of_run(run)
                );
                self.line(&text);
                for one in self.left.first("things that moved", moved, self.detail.list) {
                    let text = format!("> - {}", self.said(one));
                    self.line(&text);
                }
                self.line("");
            }
        }
    }

    /// The table of what it was made from, and what it needs.
    fn facts(&mut self) {
        let made = &self.comment.made;
        let commit = |text: &str| named(text.get(..COMMIT).unwrap_or(text), COMMIT);
        let mut rows: Vec<(&str, String)> = Vec::new();
        let digest = self.comment.plan.map(|p| format!("{} of ", named(&short_digest(&p.digest), 40)));
        let base = format!("{} at {}", self.named(&made.branch), commit(&made.base));
        let read = match made.read {
            _ if self.comment.plan.is_none() => String::new(),
            Some(at) => format!("; live state read {}", minute(at)),
            None => "; **no live system was read**".to_owned(),
        };
        let digest = digest.unwrap_or_default();
        rows.push(("Plan", format!("{digest}{} onto {base}{read}", commit(&made.head))));
        if let Some(plan) = self.comment.plan.filter(|p| !p.is_empty()) {
            let effects = Effects::of(plan.targets.iter().flat_map(|t| &t.steps));
            let forecast: Vec<String> = plan.targets.iter().filter_map(parts::forecast).take(3).collect();
            rows.push(("Changes", format!("{effects}. {}", self.said(&forecast.join(" "))).trim_end().to_owned()));
        }
        for approval in self.left.first("approvals", &self.comment.approvals, self.detail.list) {
            rows.push(("Approval", self.approval(approval)));
        }
        if let Some((passed, all)) = self.comment.tests {
            let failed = all.saturating_sub(passed);
            let text = match failed {
                0 => format!("✅ {} hold", thousands(all)),
                n => format!("⛔ **{} of {} fail**", thousands(n), thousands(all)),
            };
            rows.push(("Access tests", text));
        }
        if let Some(agreed) = self.comment.plan.and_then(parts::consents) {
            rows.push(("Consents", self.said(&agreed)));
        }
        self.line("| | |\n|---|---|");
        for (title, text) in rows {
            self.line(&format!("| {title} | {text} |"));
        }
        self.line("");
    }

    fn approval(&mut self, approval: &Approval) -> String {
        let (who, what) = (self.named(&approval.who), self.said(&approval.what));
        let names: Vec<String> =
            self.left.first("approvals", &approval.given, self.detail.list).iter().map(|g| self.named(g)).collect();
        let from = if names.is_empty() { String::new() } else { format!(" by {}", listed(&names)) };
        if approval.is_complete() {
            return format!("✅ given{from}: {what}");
        }
        let (given, needed) = (thousands(approval.given.len()), thousands(approval.how_many));
        format!("⏳ **needed** of {who}, {given} of {needed} given{from}: {what}")
    }

    fn problems(&mut self) {
        let mut problems: Vec<&Problem> = self.comment.problems.iter().collect();
        problems.sort_by_key(|p| p.severity);
        if problems.is_empty() {
            return;
        }
        self.line("**Files**\n");
        for problem in self.left.first("findings", &problems, self.detail.list) {
            let word = match problem.severity {
                Severity::Error => "⛔ error",
                Severity::Warning => "⚠️ warning",
                Severity::Note => "note",
            };
            let at = problem.at.as_ref().map(|l| format!(" {}", self.place(l))).unwrap_or_default();
            let help = self.help(problem.help.as_deref());
            let text = format!("- {word} {}{at}: {}{help}", self.named(&problem.rule), self.said(&problem.message));
            self.line(&text);
        }
        self.line("");
    }

    fn target(&mut self, plan: &TargetPlan, several: bool) {
        if several {
            let said = if plan.is_empty() { "no changes".to_owned() } else { access::verdict(&plan.access) };
            let blocked = if plan.is_blocked() { " · ⛔ blocked" } else { "" };
            let text = format!("#### {} · {said}{blocked}\n", self.named(&plan.target));
            self.line(&text);
        }
        if plan.is_empty() {
            let text = format!("{}\n", self.said(&parts::nothing(plan)));
            self.line(&text);
        }
        self.guards(&plan.guards);
        self.access(plan);
        self.besides(plan);
        self.same_access(plan);
        self.operations(plan);
        self.notes(plan);
    }

    fn guards(&mut self, guards: &[Verdict]) {
        if guards.is_empty() {
            return;
        }
        self.line("**Guards**\n");
        let failing = parts::failing(guards);
        for verdict in self.left.first("guards", &failing, self.detail.list) {
            let sign = if verdict.answer == Answer::Violated { "⛔" } else { "⚠️" };
            let help = self.help(verdict.help.as_deref());
            let rule = self.named(&verdict.rule);
            let text =
                format!("- {sign} {rule} **{}**: {}{help}", parts::answer(verdict.answer), self.said(&verdict.message));
            self.line(&text);
        }
        let holding = parts::holding(guards);
        if !holding.is_empty() {
            let rules: Vec<String> =
                holding.iter().take(HOLDING.min(self.detail.list)).map(|r| self.named(r)).collect();
            let more = holding.len().saturating_sub(rules.len());
            let more = if more > 0 { format!(" and {} more", thousands(more)) } else { String::new() };
            let verb = if holding.len() == 1 { "holds" } else { "hold" };
            let text = format!("- ✅ {} {verb}: {}{more}", thousands(holding.len()), rules.join(", "));
            self.line(&text);
        }
        self.line("");
    }

    /// Who gains and who loses, administrators first.
    fn access(&mut self, plan: &TargetPlan) {
        if self.is_over() {
            return;
        }
        let detail = self.detail;
        let mut lines: Vec<&AccessLine> = plan.access.lines.iter().filter(|l| l.effect != AccessEffect::Path).collect();
        lines.sort_by_key(|l| l.risk);
        if lines.is_empty() && plan.access.left_out == 0 {
            return;
        }
        if detail.counted {
            self.counts(&plan.access.lines);
        }
        if detail.counted && !detail.grouped {
            let mut all: Vec<Row> = grouped(&lines).into_iter().filter(Row::is_many).collect();
            all.sort_by_key(Row::fewest_people);
            all.truncate(GROUPS);
            self.table(LARGEST, "What", &all);
        }
        let causes = Causes::of(plan);
        let rows: Vec<Row> = if detail.grouped {
            grouped(&lines)
        } else {
            let limit = detail.protected.max(detail.rows) * 2;
            // No more places are looked up than rows can be shown.
            let row = |(at, l): (usize, &&AccessLine)| match at < limit {
                true => Row::of(l).caused(l, &causes),
                false => Row::of(l),
            };
            lines.iter().enumerate().map(row).collect()
        };
        self.left.add("rows of access", plan.access.left_out);
        let (protected, others): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(Row::is_protected);
        // What is protected has the first claim to all rows; and of that, who gains as administrator.
        let (gains, losses): (Vec<Row>, Vec<Row>) =
            protected.into_iter().partition(|r| r.effect == AccessEffect::Gains);
        let room = if detail.rows >= detail.protected {
            detail.rows.saturating_sub(gains.len() + losses.len())
        } else {
            detail.rows
        };
        let mut shown: Vec<Row> = self.left.first("rows of access", &gains, detail.protected).to_vec();
        let rest = detail.protected.saturating_sub(shown.len()).max(detail.protected.min(losses.len()).div_ceil(2));
        shown.extend_from_slice(self.left.first("rows of access", &others, room));
        self.table("Gains", "Gets", &shown);
        let losses = self.left.first("rows of access", &losses, rest).to_vec();
        self.table("Loses", "No longer has", &losses);
    }

    fn counts(&mut self, lines: &[AccessLine]) {
        let counts = counts(lines);
        if counts.is_empty() {
            return;
        }
        self.line("| People by risk | gain | lose |\n|---|---|---|");
        for (title, gain, lose) in counts {
            self.line(&format!("| {title} | {} | {} |", thousands(gain), thousands(lose)));
        }
        self.line("");
    }

    fn table(&mut self, title: &str, what: &str, rows: &[Row]) {
        if rows.is_empty() {
            return;
        }
        let most = self.detail.name;
        let ends = rows.iter().any(|r| r.cause.until.is_some() && r.effect == AccessEffect::Gains);
        let both = title == LARGEST;
        let (until, bar) = if ends { (" Until |", "---|") } else { ("", "") };
        self.line(&format!("**{title}**\n\n| Who | {what} | On | Because |{until}\n|---|---|---|---|{bar}"));
        for row in rows {
            if self.is_over() {
                return;
            }
            let mut because = row.because(most);
            if let Some(at) = &row.cause.place {
                let more = if row.cause.more > 0 { format!(" (+{})", row.cause.more) } else { String::new() };
                let dot = if because.is_empty() { "" } else { " · " };
                let _ = write!(because, "{dot}{}{more}", self.place(at));
            }
            let until = match row.cause.until {
                _ if !ends => String::new(),
                Some(at) => format!(" {} |", at.short()),
                None => " |".to_owned(),
            };
            let verb = if both { row.verb() } else { "" };
            let (who, what, place) = (row.who(most), format!("{verb}{}", row.what(most)), row.place(most));
            self.line(&format!("| {who} | {what} | {place} | {because} |{until}"));
        }
        self.line("");
    }

    fn besides(&mut self, plan: &TargetPlan) {
        if self.is_over() {
            return;
        }
        let all = besides(plan);
        if all.is_empty() {
            return;
        }
        // Who joins as an administrator comes first in it.
        self.line("**Besides access**\n");
        for one in self.left.first("things besides access", &all, self.detail.list) {
            let mark = if one.administrator { " ‼️" } else { "" };
            let at = one.declared.as_ref().map(|l| format!(" · {}", self.place(l))).unwrap_or_default();
            let text = format!("- {}{mark}{at}", self.said(&one.text));
            self.line(&text);
        }
        self.line("");
    }

    fn same_access(&mut self, plan: &TargetPlan) {
        if self.is_over() {
            return;
        }
        let lines: Vec<&AccessLine> = plan.access.lines.iter().filter(|l| l.effect == AccessEffect::Path).collect();
        if lines.is_empty() {
            return;
        }
        if !self.detail.paths {
            self.left.add("rows of the same access by another path", lines.len());
            return;
        }
        let rows = if self.detail.grouped { grouped(&lines) } else { lines.into_iter().map(Row::of).collect() };
        let most = self.detail.name;
        let title = format!("Same access, another path ({})", thousands(rows.len()));
        self.open(&title, false);
        self.line("| Who | On | Path |\n|---|---|---|");
        for row in self.left.first("rows of the same access by another path", &rows, self.detail.rows) {
            self.line(&format!("| {} | {} | {} |", row.who(most), row.place(most), row.because(most)));
        }
        self.close();
    }

    fn open(&mut self, title: &str, open: bool) {
        let open = if open { " open" } else { "" };
        self.line(&format!("<details{open}><summary>{title}</summary>\n"));
    }

    fn close(&mut self) {
        self.line("\n</details>\n");
    }

    fn operations(&mut self, plan: &TargetPlan) {
        if self.is_over() {
            return;
        }
        let observed = sections(plan.observed.iter().map(|o| (&o.change, o.declared.as_ref())));
        let steps = &plan.steps;
        if self.detail.operations == 0 {
            self.left.add("operations", steps.len());
            self.left.add("differences that are not written", plan.observed.len());
            return;
        }
        if !steps.is_empty() {
            let title = format!("Operations ({})", thousands(steps.len()));
            self.open(&title, steps.len() <= OPEN);
            let lines: Vec<Line> = if steps.len() <= self.detail.operations {
                steps
                    .iter()
                    .map(|s| Line {
                        effect: Some(s.change.effect()),
                        text: describe(&s.change),
                        details: details(&s.change),
                        declared: s.declared.clone(),
                    })
                    .collect()
            } else {
                sections(of_steps(steps)).into_iter().flat_map(|s| s.lines).collect()
            };
            self.diff(&lines);
            self.close();
        }
        if !observed.is_empty() {
            let title = format!("Different and not written ({})", thousands(plan.observed.len()));
            self.open(&title, false);
            let lines: Vec<Line> = observed.into_iter().flat_map(|s| s.lines).collect();
            self.diff(&lines);
            self.close();
        }
    }

    /// Lines in a fence, as many as there is room for: the fence itself is whole.
    fn diff(&mut self, lines: &[Line]) {
        let most = self.detail.sentence;
        let drawn: Vec<String> = lines.iter().flat_map(drawn).map(|l| cut(&l, most)).collect();
        // Details of changes are lines as well.
        let shown = self.left.first("lines of operations", &drawn, self.detail.operations.saturating_mul(4)).to_vec();
        self.out.push_str(&fence("diff", &shown));
    }

    fn notes(&mut self, plan: &TargetPlan) {
        if self.is_over() {
            return;
        }
        let mut lines: Vec<String> = parts::takeovers(plan).iter().map(|t| self.said(t)).collect();
        lines.extend(plan.doubts.iter().map(|d| self.said(d)));
        for note in &plan.notes {
            let rule = note.rule.as_deref().map(|r| format!("{}: ", self.named(r))).unwrap_or_default();
            let at = note.declared.as_ref().map(|l| format!(" · {}", self.place(l))).unwrap_or_default();
            let help = self.help(note.help.as_deref());
            lines.push(format!("{rule}{}{at}{help}", self.said(&note.message)));
        }
        lines.extend(parts::remarks(plan).iter().map(|r| self.said(r)));
        lines.extend(access::without_effect(plan).map(|t| self.said(&t)));
        if lines.is_empty() {
            return;
        }
        let title = format!("Notes ({})", thousands(lines.len()));
        self.open(&title, lines.len() <= OPEN / 2);
        for line in self.left.first("notes", &lines, self.detail.list) {
            self.line(&format!("- {line}"));
        }
        self.close();
    }

    fn quiet(&mut self, quiet: &[&TargetPlan]) {
        if quiet.is_empty() {
            return;
        }
        let names: Vec<String> =
            self.left.first("targets", quiet, self.detail.list).iter().map(|t| self.named(&t.target)).collect();
        self.line(&format!("No changes in {}.\n", listed(&names)));
    }

    /// What concerns no single target.
    fn whole_plan(&mut self) {
        let Some(plan) = self.comment.plan else { return };
        for unread in self.left.first("targets that cannot be read", &plan.unread, self.detail.list) {
            let (target, why) = (self.named(&unread.target), self.said(&unread.why));
            self.line(&format!("⛔ **{target} cannot be read**, so this is no plan for it: {why}\n"));
        }
        self.guards(&plan.guards);
    }

    fn drift(&mut self) {
        if self.is_over() {
            return;
        }
        let drift = &self.comment.drift;
        if drift.is_empty() {
            return;
        }
        let mut sorted: Vec<&Drifted> = drift.iter().collect();
        sorted.sort_by_key(|d| !d.widens);
        let wide = drift.iter().filter(|d| d.widens).count();
        let wide = match wide {
            0 => String::new(),
            1 => ", 1 of them widens access".to_owned(),
            n => format!(", {} of them widen access", thousands(n)),
        };
        let title =
            format!("Drift found before this change ({}{wide}; not touched by this plan)", thousands(drift.len()));
        self.open(&title, false);
        let (table, rest) = super::issue::table(&sorted, self.detail, &self.comment.made, self.budget);
        self.out.push_str(&table);
        self.left.add("differences from before", rest);
        self.close();
    }

    fn previous(&mut self) {
        let all = &self.comment.superseded;
        if all.is_empty() {
            return;
        }
        let title = format!("Previous plans of this pull request ({})", thousands(all.len()));
        self.open(&title, false);
        for one in self.left.first("previous plans", all, self.detail.list) {
            let head = one.head.get(..COMMIT).unwrap_or(&one.head);
            let (digest, head) = (named(&short_digest(&one.digest), 40), named(head, COMMIT));
            let run = one.run_url.as_deref().map(|u| format!(" · {}", self.link("run", Some(u)))).unwrap_or_default();
            self.line(&format!("- ~~{digest}~~ for {head}, superseded{run}"));
        }
        self.close();
    }

    fn next(&mut self) {
        let run = &self.comment.made.run;
        let whole = self.link("the run", run.url.as_deref());
        if let Some(left) = self.left.said() {
            self.line(&format!("{left} All of it is in the summary and the artifact of {whole}.\n"));
        }
        if self.comment.fork {
            self.line(match self.comment.made.read {
                None => {
                    "This pull request comes from a fork: its run has no secrets, so what is above compares files with \
                     files. What is live is read by a run of the main branch, or after the merge.\n"
                }
                Some(_) => {
                    "This pull request comes from a fork: its files were read as data, by a run of the main branch.\n"
                }
            });
        }
        let text = self.step();
        let run = self.link("run", run.url.as_deref());
        self.line(&format!("{text} · {run}"));
    }

    fn step(&self) -> String {
        let Some(plan) = self.comment.plan else {
            return "**Next:** correct the files; nothing was planned".to_owned();
        };
        let digest = named(&plan.digest, 80);
        let errors = self.comment.problems.iter().any(|p| p.severity == Severity::Error);
        let tests = self.comment.tests.is_some_and(|(passed, all)| passed < all);
        let missing = self.comment.approvals.iter().any(|a| !a.is_complete());
        match &self.comment.outcome {
            Some(Outcome::Applied { .. }) => format!("Digest {digest}"),
            Some(Outcome::Stopped { done: 0, failed: 0, .. }) => {
                "**Next:** what stands in the way is said above; run the apply again when it does not".to_owned()
            }
            Some(Outcome::Stopped { .. }) => {
                "**Next:** see what failed, and run the apply again: it continues where it stopped".to_owned()
            }
            Some(Outcome::Stale { .. }) => {
                format!(
                    "**Next:** look at what moved; if it is right as it is now, start the apply by hand with its digest: {digest}"
                )
            }
            None if errors || tests => "**Next:** correct the files; nothing of this will be applied".to_owned(),
            None if plan.is_blocked() => {
                let rules: Vec<String> =
                    parts::blocking(plan).iter().take(self.detail.list).map(|r| named(r, self.detail.name)).collect();
                format!("**Blocked** by {}: nothing of this will be applied", listed(&rules))
            }
            None if !plan.unread.is_empty() => {
                let targets: Vec<String> = plan
                    .unread
                    .iter()
                    .take(self.detail.list)
                    .map(|u| named(&name(&u.target), self.detail.name))
                    .collect();
                format!("**This is no plan for {}**: run it again when they can be read", listed(&targets))
            }
            None if plan.is_empty() => format!("**Next:** nothing to apply. Digest {digest}"),
            None if missing => format!(
                "**Next:** the approvals above, given on this commit, after this plan, by somebody else than its \
                 author. Then merge. Digest {digest}"
            ),
            None => {
                let command = named(&format!("rolecall apply --expect-digest {}", plan.digest), 120);
                format!(
                    "**Next:** merge, and exactly this is applied, or nothing if anything moves. By hand: {command}"
                )
            }
        }
    }
}

/// A place in a file, linked where there is room.
pub(super) fn place(at: &Location, made: &Made, detail: &Detail) -> String {
    let shown = named(&at.to_string(), detail.name);
    let repository = made.repository.as_deref().filter(|_| detail.links && !made.head.is_empty());
    let url = repository.map(|r| {
        let file = path(&format!("{}{}", made.folder, at.file));
        format!("{}/blob/{}/{file}#L{}", r.trim_end_matches('/'), path(&made.head), at.line)
    });
    link(&shown, url.as_deref(), made.repository.as_deref())
}

/// `2026-11-21 16:04 UTC`.
pub(super) fn minute(at: Moment) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}
