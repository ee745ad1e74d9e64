//! What TerminusDB does badly, or may do otherwise than the sandbox assumes, besides what every server does.
//! Where one comes from: fact sheet terminusdb, the section in the comment.

use crate::sandbox::Spec;
use crate::sandbox::fault::On;
pub use crate::sandbox::scim::faults::LOST_WRITE;

macro_rules! faults {
    ($($name:ident = $spec:expr;)*) => {
        $(#[doc = "A switch: its text is in the list."] pub static $name: Spec = $spec;)*
        /// All of them, in the order in which they are listed.
        pub static FAULTS: &[&Spec] = &[&LOST_WRITE, $(&$name),*];
    };
}

faults! {
    // 3
    ANONYMOUS = Spec::new("anonymous", On::Any, "credentials are not understood: every call is anonymous's, without a word");
    NOT_SUPER = Spec::new("not-super", On::Any, "admin is an account like others: what only the super user may do is 403");
    // 7, trap 4
    OWN_CAPABILITY = Spec::new("own-capability", On::Write, "a grant makes a capability of its own, as parallel grants do");
    // 6
    SHORT_READ = Spec::new("short-read", On::Read, "the documents of _system lack every second capability");
    // 7, trap 2
    STUCK_DELETE = Spec::new("stuck-delete", On::Write, "deleting a database fails half way, however few capabilities it has");
}
