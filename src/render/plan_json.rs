//! s
/// s
pub fn plan(p: &crate::plan::Plan) -> String {
    String::from_utf8_lossy(&crate::plan::save(p)).into_owned()
}
