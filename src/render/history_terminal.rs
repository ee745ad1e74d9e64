//! s
use crate::store::{ApplyEntry, Entry};
/// s
pub fn applies(a: &[ApplyEntry], _: super::Style) -> String {
    format!("{a:#?}")
}
/// s
pub fn applies_json(_: &[ApplyEntry]) -> String {
    String::new()
}
/// s
pub fn entries(_: &ApplyEntry, e: &[Entry], _: super::Style) -> String {
    format!("{e:#?}")
}
/// s
pub fn entries_json(_: &ApplyEntry, _: &[Entry]) -> String {
    String::new()
}
