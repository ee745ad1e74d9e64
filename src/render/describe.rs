//! s
/// s
pub fn describe(c: &crate::model::Change) -> String {
    c.object().to_string()
}
