//! What Omni does badly, or may do otherwise than the sandbox assumes, besides what every server does; and
//! those of the SCIM sandbox that make sense here. Where one comes from: fact sheet omni, the section in
//! the comment.

use crate::sandbox::Spec;
use crate::sandbox::fault::On;
pub use crate::sandbox::scim::faults::{
    CHANGED_NAMES, DANGLING_MEMBERS, DELAYED, DUPLICATE_IS_500, EMPTY_FILTER, EMPTY_MEMBERS, IGNORED_FILTER,
    LOST_WRITE, LOW_TOTAL, NAME_STAYS_TAKEN, NO_FILTER, NO_MEMBERS_FILTER, NO_PATCH, PAGE_CAP, REPEATED_ITEM,
    SHORT_LIST, WRONG_TOTAL,
};

macro_rules! faults {
    ($($name:ident = $spec:expr;)*) => {
        $(#[doc = "A switch: its text is in the list."] pub static $name: Spec = $spec;)*
        /// All of them, in the order in which they are listed.
        pub static FAULTS: &[&Spec] = &[
            &NO_FILTER, &IGNORED_FILTER, &EMPTY_FILTER, &PAGE_CAP, &WRONG_TOTAL, &LOW_TOTAL, &SHORT_LIST,
            &REPEATED_ITEM, &EMPTY_MEMBERS, &DANGLING_MEMBERS, &NO_MEMBERS_FILTER, &NO_PATCH, &LOST_WRITE, &DELAYED,
            &DUPLICATE_IS_500, &NAME_STAYS_TAKEN, &CHANGED_NAMES, $(&$name),*
        ];
    };
}

faults! {
    // (a), auth
    PERSONAL_TOKEN = Spec::new("personal-token", On::Any, "the token is a personal one: SCIM answers 403");
    NOT_ADMIN = Spec::new("not-admin", On::Any, "the key's maker is no administrator: connections, model roles, attribute definitions and API keys answer 403");
    NOT_MANAGER = Spec::new("not-manager", On::Any, "the key's maker manages no content: permissions and transfers answer 403");
    // (a), rate limit and errors
    RETRY_AFTER = Spec::new("retry-after", On::Any, "the 429 of the rate limit says Retry-After in seconds");
    DOCS_ERRORS = Spec::new("docs-errors", On::Any, "errors are {\"error\", \"message\"}, as the general documentation shows them");
    // (b.1)
    INACTIVE_SHOWN = Spec::new("inactive-shown", On::Any, "who is revoked by active:false is still shown, as inactive");
    EMAIL_CHANGES = Spec::new("email-changes", On::Write, "a user's userName can be changed");
    UNDEFINED_REFUSED = Spec::new("undefined-refused", On::Write, "an attribute without a definition is refused with 400, not ignored");
    SYSTEM_SHOWN = Spec::new("system-shown", On::Any, "users show their system attributes");
    STRICT_REMOVE = Spec::new("strict-remove", On::Write, "PATCH `remove` of a user without `value` is refused with 400");
    SCHEDULES_DELETED = Spec::new("schedules-deleted", On::Write, "the schedules of who is revoked are deleted, not stopped");
    // (b.3), (b.4)
    SPEC_SHAPES = Spec::new("spec-shapes", On::Any, "model roles as the OpenAPI document says them: membershipId, from.type USER, GROUP, BASE, ORG");
    TOPIC_SPELLING = Spec::new("topic-spelling", On::Any, "connections show the base role QUERY_TOPICS, not RESTRICTED_QUERIER");
    // (b.5)
    NO_DEFINITION_WRITES = Spec::number("no-definition-writes", On::Write, "status", 404, "attribute definitions cannot be written");
    // (b.6), (b.7)
    BOOST_OFF = Spec::new("boost-off", On::Write, "AccessBoost is off for the organization: 403 for permits that ask for it");
    BOOST_CLEARED = Spec::new("boost-cleared", On::Write, "AccessBoost is off for the organization: it is cleared without a word");
    NO_DOCUMENT_REVOKE = Spec::number("no-document-revoke", On::Write, "status", 404, "permits of documents cannot be deleted, only set to NO_ACCESS");
    NO_ORGANIZATION_ROLE = Spec::number("no-organization-role", On::Write, "status", 404, "the organization role of folders cannot be set");
}
