//! What SCIM servers do badly, besides what every server does. Where one was seen: fact sheet scim,
//! sections 1 (vendor quirks), 2 and 3.

use crate::sandbox::Spec;
use crate::sandbox::fault::On;

macro_rules! faults {
    ($($name:ident = $spec:expr;)*) => {
        $(#[doc = "A switch: its text is in the list."] pub static $name: Spec = $spec;)*
        /// All of them, in the order in which they are listed.
        pub static FAULTS: &[&Spec] = &[$(&$name),*];
    };
}

faults! {
    NO_FILTER = Spec::number("no-filter", On::Read, "status", 501, "a filter is refused with this status");
    IGNORED_FILTER = Spec::new("ignored-filter", On::Read, "a filter is ignored: everything is listed");
    EMPTY_FILTER = Spec::new("empty-filter", On::Read, "a filter finds nothing, whatever is there");
    FILTER_CAP = Spec::number("filter-cap", On::Read, "comparisons", 1, "a filter with more comparisons is refused with 400 invalidFilter");
    PAGE_CAP = Spec::number("page-cap", On::Read, "resources", 10, "a page has at most so many, whatever `count` says");
    NO_COUNT = Spec::new("no-count", On::Read, "a list with `count` ends in 500");
    WRONG_TOTAL = Spec::number("wrong-total", On::Read, "resources", 1, "totalResults says so many more than there are");
    LOW_TOTAL = Spec::number("low-total", On::Read, "resources", 1, "totalResults says so many fewer than there are");
    SHORT_LIST = Spec::number("short-list", On::Read, "percent", 50, "lists show only so many of what is there, and totalResults agrees");
    REPEATED_ITEM = Spec::new("repeated-item", On::Read, "each page but the first begins with the last of the page before");
    CURSOR_ONLY = Spec::new("cursor-only", On::Read, "lists go on by cursor, also where none was asked for; startIndex is ignored");
    EXPIRED_CURSOR = Spec::new("expired-cursor", On::Read, "going on with a cursor is refused with 400 expiredCursor");
    EMPTY_MEMBERS = Spec::new("empty-members", On::Any, "groups show no members (AWS)");
    MEMBERS_BY_NAME = Spec::new("members-by-name", On::Any, "the value of a member is the user name, not the id, in answers and in requests");
    DANGLING_MEMBERS = Spec::new("dangling-members", On::Write, "who is deleted stays a member of their groups");
    NO_MEMBERS_REPLACE = Spec::new("no-members-replace", On::Write, "PATCH cannot replace `members`, or remove all: 400 (AWS)");
    NO_MEMBERS_FILTER = Spec::new("no-members-filter", On::Write, "PATCH does not understand `members[...]`: 400 invalidPath");
    NO_MEMBERS_LIST = Spec::new("no-members-list", On::Write, "PATCH cannot remove members by a list of values: 400");
    MEMBERS_CAP = Spec::number("members-cap", On::Write, "members", 100, "PATCH with more members is refused with 400 (AWS)");
    NO_PATCH = Spec::number("no-patch", On::Any, "status", 501, "PATCH is refused with this status, and not offered");
    NO_PUT = Spec::number("no-put", On::Write, "status", 501, "PUT is refused with this status");
    LOST_WRITE = Spec::new("lost-write", On::Write, "a write is answered as if it were done, and is not");
    DELAYED = Spec::number("delayed", On::Write, "milliseconds", 1000, "a write is seen by readers only after a while");
    PUT_SUSPENDS = Spec::new("put-suspends", On::Write, "a PUT without `active` makes the user inactive");
    DUPLICATE_IS_500 = Spec::new("duplicate-is-500", On::Write, "a user name that is taken is answered with 500, not 409");
    NAME_STAYS_TAKEN = Spec::new("name-stays-taken", On::Write, "the user name of who was deleted cannot be used again: 409");
    STRICT_SCHEMA = Spec::new("strict-schema", On::Write, "an attribute that /Schemas does not list is refused with 400");
    CHANGED_NAMES = Spec::new("changed-names", On::Any, "user names are shown with their first letter in upper case");
    NO_ETAG = Spec::new("no-etag", On::Any, "no ETag, no meta.version; If-Match is ignored");
    WRONG_ETAG = Spec::new("wrong-etag", On::Any, "the ETag header is another one than meta.version, and another one each time");
    NO_BULK = Spec::new("no-bulk", On::Any, "no Bulk: 501");
    NO_SORT = Spec::new("no-sort", On::Read, "sortBy is ignored");
    NO_SEARCH = Spec::new("no-search", On::Any, "no POST /.search: 501");
    NO_DISCOVERY = Spec::new("no-discovery", On::Any, "no /ServiceProviderConfig, /ResourceTypes, /Schemas: 404");
    LYING_CONFIG = Spec::new("lying-config", On::Any, "/ServiceProviderConfig offers everything, whatever is switched off");
    INTEGER_STATUS = Spec::new("integer-status", On::Any, "the `status` of an error is a number, not a text");
}
