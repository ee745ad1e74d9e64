//! What Strongly does otherwise than the sandbox assumes, or badly, besides what every server does; and
//! those of the SCIM sandbox that make sense here. Where one comes from: fact sheet strongly, the section in
//! the comment.

use crate::sandbox::Spec;
use crate::sandbox::fault::On;
pub use crate::sandbox::scim::faults::{
    DELAYED, IGNORED_FILTER, LOST_WRITE, LOW_TOTAL, PAGE_CAP, REPEATED_ITEM, SHORT_LIST, WRONG_TOTAL,
};

macro_rules! faults {
    ($($name:ident = $spec:expr;)*) => {
        $(#[doc = "A switch: its text is in the list."] pub static $name: Spec = $spec;)*
        /// All of them, in the order in which they are listed.
        pub static FAULTS: &[&Spec] = &[
            &PAGE_CAP, &WRONG_TOTAL, &LOW_TOTAL, &SHORT_LIST, &REPEATED_ITEM, &IGNORED_FILTER, &LOST_WRITE, &DELAYED,
            $(&$name),*
        ];
    };
}

faults! {
    // 2, the two sources
    SHAPE_D = Spec::new("shape-d", On::Any, "answers as the documentation site shows them: no envelope, lists {count, limit, offset, NAME}, users with ids and names");
    // 2.1
    NO_TOTAL = Spec::new("no-total", On::Read, "lists say nothing of how many there are");
    NO_OFFSET = Spec::new("no-offset", On::Read, "`offset` is ignored: every page is the first");
    NO_ADMIN_SCOPE = Spec::new("no-admin-scope", On::Any, "the key lacks users:admin: 403 scope-required");
    NO_WRITE_SCOPES = Spec::new("no-write-scopes", On::Any, "the key lacks every scope that ends in :write: 403 scope-required");
    NOT_ADMIN = Spec::new("not-admin", On::Any, "the key's maker is no administrator: what is for administrators is 403");
    // 2.2
    ROLE_IGNORED = Spec::new("role-ignored", On::Write, "who is created gets the role `app`, whatever was said");
    NOT_A_MEMBER = Spec::new("not-a-member", On::Write, "who is created is no member of the organization yet");
    ARCHIVED_HIDDEN = Spec::new("archived-hidden", On::Read, "members who are archived are not in the members list");
    NO_INVITATIONS = Spec::number("no-invitations", On::Any, "status", 404, "invitations are not to be had");
    TWIN = Spec::new("twin", On::Read, "the last member who is not archived is listed twice: a second account has the same address, another id and the role `admin`");
    OWN_IDS = Spec::new("own-ids", On::Read, "what is listed has an id of its own beside `userId`; that of a user is in the members list only");
    // 2.3
    KEEPS_FIRST = Spec::number("keeps-first", On::Write, "users", 1, "of a list of allowed users only so many are kept");
    CROSSED = Spec::new("crossed", On::Write, "right after a list of allowed users was written, somebody else writes the one before");
    LEVELS_IGNORED = Spec::new("levels-ignored", On::Write, "workflows are shared without a level: everybody is a viewer");
    NESTED = Spec::new("nested", On::Any, "applications and data sources show who may use them under `permissions`");
    CHANGED_NAMES = Spec::new("changed-names", On::Read, "addresses are shown with their first letter in upper case");
}
