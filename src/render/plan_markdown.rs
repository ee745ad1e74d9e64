//! s
/// s
pub fn plan(_: &crate::plan::Plan) -> String {
    String::new()
}
