//! s
use super::Style;
use crate::plan::Plan;
/// s
pub fn plan(p: &Plan, _: Style) -> String {
    let mut s = String::new();
    for t in &p.targets {
        for x in &t.steps {
            s += &format!("{:?} {}\n", x.change.effect(), x.change.object());
        }
        for g in &t.guards {
            s += &format!("{:?} {} {}\n", g.answer, g.rule, g.message);
        }
    }
    s += &format!("{} steps {}\n", p.targets.iter().map(|t| t.steps.len()).sum::<usize>(), p.digest);
    s
}
