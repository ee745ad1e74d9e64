//! What the sandbox does where the standard leaves the choice to the server, or says nothing: a client
//! must not rely on it.

/// The list for `rolecall sandbox scim --assumptions`: a topic and what is assumed.
pub const ASSUMPTIONS: &[(&str, &str)] = &[
    ("active", "who is created, or replaced by PUT, without `active` is active"),
    ("roles", "`roles` and `entitlements` are kept and mean nothing"),
    ("password", "is taken and thrown away: there is no way to sign in"),
    ("unknown attributes", "are ignored in POST and PUT (strict-schema refuses them), 400 invalidPath in PATCH"),
    ("read-only attributes", "are ignored in POST and PUT, 400 mutability in PATCH with a path to them"),
    ("schemas", "a body without `schemas` is accepted, and what it says is not judged"),
    ("booleans", "\"true\" and \"False\" as texts are taken for booleans, as Entra ID sends them"),
    (
        "members",
        "must be there, by their id: 400 invalidValue otherwise; a group may be a member of a group, never of itself",
    ),
    (
        "members",
        "`type` and `$ref` are made by the server from `value`; `display` is shown on request only (attributes=members.display)",
    ),
    ("displayName", "several groups may have the same"),
    ("deleting", "ends every membership; the user name is free again; the id never comes back"),
    ("PATCH", "op names in any case; a path-less operation may have paths for keys (`name.givenName`)"),
    ("PATCH add", "a value that is there already changes nothing: no new version, no new lastModified"),
    ("PATCH remove", "with a path that fits no value changes nothing and is a success"),
    ("PATCH remove", "with a path to a list and a `value` removes the values that it lists"),
    ("PATCH add, replace", "with a path `list[filter]` that fits no value: 400 noTarget"),
    ("PATCH", "is answered with 200 and the resource (no-content: 204)"),
    ("filter ne", "fits what has no value at all"),
    ("filter", "an attribute that does not exist: 400 invalidFilter; in a search over all types it fits nothing"),
    ("lists", "are in the order of creation; a page has 100 resources without `count`, and never more than 1000"),
    ("cursors", "a list goes on by cursor where `cursor` is a parameter, also an empty one; they do not expire"),
    ("sortBy", "what has no value comes last"),
    ("ETag", "weak, a number that rises with every change; If-Match may hold several, or `*`"),
    ("Bulk", "operations run in their order, those that wait for a bulkId after it; 1000 operations, 1 MiB"),
    ("ids", "are made from a counter, so that the same requests on an empty file give the same ids"),
    ("directory", "the address is the user name in lower case, the role the main one of `roles`, a group is a team"),
];
