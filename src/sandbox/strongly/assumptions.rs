//! What the sandbox does where the fact sheet does not say what Strongly does: a client must not rely on it.

/// The list for `rolecall sandbox strongly --assumptions`: the section of the fact sheet, and what is assumed.
pub const ASSUMPTIONS: &[(&str, &str)] = &[
    ("2 shapes", "the newer source by itself: envelope, user reads of three fields; shape-d: the documentation site's"),
    (
        "2.1 auth",
        "without a key or with a wrong one 401 `unauthorized`; the key has every scope (no-admin-scope, no-write-scopes: it lacks some)",
    ),
    (
        "2.1 errors",
        "codes beside scope-required are validation-error, unauthorized, forbidden, not-found, conflict, rate-limit; shape-d has the same errors",
    ),
    ("2.1 errors", "the message of scope-required names the scope"),
    (
        "2.1 paging",
        "limit is 20 where nothing is said and at most 100; pagination is {total, limit, offset, hasMore}; every list is paged, in the order of creation",
    ),
    ("2.1 paging", "`sort`, `sortBy` and `sortOrder` are not looked at; `search` finds parts of addresses and names"),
    ("2.1 ids", "24 hexadecimal digits; a member and an invitation have an id of their own, which is not the user's"),
    (
        "2.2 whoami",
        "the key was made by the first administrator (--acting says otherwise), who is the owner of the only organization",
    ),
    ("2.2 users", "who is archived is listed with archived=true (or active=false) only; without either, who is not"),
    (
        "2.2 users",
        "addresses are unique whatever their case: 409; name is required; without a role, or with `null`, a new user has `app`",
    ),
    (
        "2.2 users",
        "the answer to a creation has temporaryPassword and apiKey {name, scopes, key}, made up; they open nothing",
    ),
    (
        "2.2 users",
        "who is created is a member of the organization at once (not-a-member: is not); roles are admin, developer, app, user",
    ),
    ("2.2 update", "name and role; an address cannot be changed; a `null` role changes nothing"),
    ("2.2 assets", "{assets: {apps: [{_id, name}], ...}, total}"),
    (
        "2.2 archive",
        "without assetAction 400; who is archived already 409; oneself 400; transfer-to-admin is to whoever made the key",
    ),
    (
        "2.2 archive",
        "who is archived stays a member and in every list; archived-hidden: the members list does not show them",
    ),
    ("2.2 members", "the last owner can neither be changed nor removed: 409; who is removed stays a user"),
    ("2.2 invitations", "two for one address are two; a member 409; they end only on the screen, and do not run out"),
    ("2.2 accept", "who accepts becomes a user with the role `app` and the invitation's role in the organization"),
    (
        "2.3 lists",
        "applications and data sources show isPublic or allowAllUsers, and allowedUsers, when read one by one; nested: under `permissions`",
    ),
    ("2.3 lists", "both keys are required, unknown users are 400; the list stays as it is while the flag is on"),
    (
        "2.3 sign-in",
        "the domains are shown under auth.allowedDomains; no domain means that nobody is kept out by theirs",
    ),
    ("2.3 sign-in", "users of an application are those of its list whose role is `app`"),
    (
        "2.3 projects",
        "roles are viewer and editor; the owner is listed first as `owner`, and 400 where somebody changes that; twice 409",
    ),
    (
        "2.3 workflows",
        "a share is {userId, role}, role being viewer or editor, viewer where it is left out; a second one replaces the first; the list shows both",
    ),
    ("2.3 owners", "shown as ownerId; a workspace shows its projectId; there is no endpoint that changes either"),
    ("2.4", "teams and policies are in the directory of the state only: no endpoint knows them"),
    (
        "seed",
        "domains are those of the first application; data-scientist is spelled data_scientist; grants to teams and `everyone` are left out",
    ),
];
