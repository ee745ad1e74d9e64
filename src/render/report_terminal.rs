//! s
/// s
pub fn report(r: &crate::apply::Report, _: super::Style) -> String {
    r.targets.iter().map(|t| format!("{} {} {}\n", t.target, t.status, t.applied)).collect()
}
