//! What Paradime does badly, or may do otherwise than the sandbox assumes, besides what every server does;
//! and those of the SCIM sandbox that make sense here. Where one comes from: fact sheet paradime, the
//! section in the comment.

use crate::sandbox::Spec;
use crate::sandbox::fault::On;
pub use crate::sandbox::scim::faults::{CHANGED_NAMES, DELAYED, LOST_WRITE};

macro_rules! faults {
    ($($name:ident = $spec:expr;)*) => {
        $(#[doc = "A switch: its text is in the list."] pub static $name: Spec = $spec;)*
        /// All of them, in the order in which they are listed.
        pub static FAULTS: &[&Spec] = &[&LOST_WRITE, &DELAYED, &CHANGED_NAMES, $(&$name),*];
    };
}

faults! {
    // (e)
    GRAPHQL_ERROR = Spec::new("graphql-error", On::Any, "200 with `errors`; nothing is done");
    GRAPHQL_ERROR_AFTER = Spec::new("graphql-error-after", On::Write, "200 with `errors`, after the write took effect");
    EMPTY_ERRORS_KEY = Spec::new("empty-errors-key", On::Any, "a success says `errors: []` as well");
    NOT_OK = Spec::new("not-ok", On::Any, "`ok` is false; nothing is done");
    NOT_OK_AFTER = Spec::new("not-ok-after", On::Write, "`ok` is false, after the write took effect");
    NULL_RESULT = Spec::new("null-result", On::Any, "the field that was asked for is null; nothing is done");
    NULL_LISTS = Spec::new("null-lists", On::Read, "the lists are null");
    HALF_LIST = Spec::number("half-list", On::Read, "percent", 50, "lists show only so many of what is there");
    NO_UID = Spec::new("no-uid", On::Read, "the last of the active users has no uid");
    REPEATED_USER = Spec::new("repeated-user", On::Read, "lists show their first user twice");
    // (a), capabilities and plan gates
    NO_CAPABILITY = Spec::number("no-capability", On::Any, "status", 403, "the key may do nothing with users");
    READ_ONLY_KEY = Spec::number("read-only-key", On::Write, "status", 403, "the key may list users only");
    NO_AUDIT = Spec::new("no-audit", On::Read, "the audit log answers 200 with `errors`: not on this plan");
    NO_WORKSPACE_LIST = Spec::number("no-workspace-list", On::Read, "status", 403, "the key may not list workspaces");
    // (b), inviteStatus and audit log
    ACTIVE_STATUS = Spec::new("active-status", On::Read, "inviteStatus is ACTIVE where it is SENT otherwise");
    ODD_STATUS = Spec::new("odd-status", On::Read, "inviteStatus is QUEUED where it is SENT otherwise");
    ISO_AUDIT = Spec::new("iso-audit", On::Read, "the audit log has ISO 8601 times with an offset, and upper-case words");
    OBJECT_METADATA = Spec::new("object-metadata", On::Read, "metadataJson is an object, not a text");
    // (e), odd inputs
    DISABLED_INVITED = Spec::new("disabled-invited", On::Write, "who is disabled can be invited, and is then invited");
    SECOND_INVITATION = Spec::new("second-invitation", On::Write, "who is invited can be invited again, with another role");
}
