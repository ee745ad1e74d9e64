//! What the sandbox does where the fact sheet does not say what Paradime does: a client must not rely on it.

/// The list for `rolecall sandbox paradime --assumptions`: the section of the fact sheet, and what is assumed.
pub const ASSUMPTIONS: &[(&str, &str)] = &[
    ("(a) endpoint", "the company's part of the path is `sandbox`; other paths are 404, other methods 405"),
    (
        "(a) credentials",
        "the token is a workspace token (prdm_wsp_), an account token (prdm_cmp_), or a secret beside the key of --key; 401 otherwise",
    ),
    (
        "(a) credentials",
        "a key with its secret, and a workspace token, open the workspace of --workspace, or the first",
    ),
    (
        "(a) account token",
        "without X-Paradime-Workspace: the users are 200 with `errors`, and 403 with a foreign one; listWorkspaces and getAuditLogs do not look at it",
    ),
    (
        "(a) capabilities",
        "the key has all (no-capability, read-only-key, no-audit, no-workspace-list: not all); plan gates are not met with",
    ),
    ("(a) plan", "all eight roles can be given, SANDBOX_USER as well"),
    (
        "(b) errors",
        "a syntax error, an unknown field, a missing or wrong argument is 200 with `errors`; nothing is done then",
    ),
    ("(b) operations", "fragments, directives, subscriptions and introspection are refused; __typename answers"),
    ("(b) lists", "in the order in which accounts were made; who is disabled is in no list"),
    ("(b) lists", "uid and role of a person are those of the workspace: they can differ in another"),
    ("(b) inviteStatus", "SENT (active-status: ACTIVE, odd-status: QUEUED), EXPIRED where it has run out"),
    ("(b) payload names", "__typename is that of the fact sheet's reconstruction"),
    (
        "(b) audit log",
        "event types that begin with `assumed_` are made up; metadataJson names the address as `user.email`; keys are api_key 0",
    ),
    ("(b) audit log", "metadataJson is a text (object-metadata: an object); times are UTC and do not say it"),
    (
        "(d) roles",
        "a key may give every role (--acting: as who is signed in with that role, by the table of who may invite whom)",
    ),
    ("(d) admin", "the last administrator can be disabled, and so can whoever made the key"),
    ("(d) expiry", "an invitation runs out when a test says so"),
    ("(d) enabling", "who is enabled again has the role and uid of before"),
    ("(d) acceptance", "who accepts leaves the invited and becomes active, with a name made of the address"),
    ("(d) auto-join", "who joins by a domain is BUSINESS; somebody who is disabled cannot join"),
    (
        "(e) invite",
        "of an active or invited address: 200 with `errors` (second-invitation: it takes the place of the first)",
    ),
    ("(e) invite", "of a disabled address: 200 with `errors` (disabled-invited: they are invited)"),
    ("(e) invite", "an address without one @ between two parts: 200 with `errors`"),
    ("(e) update, disable", "an unknown uid, and that of somebody who is disabled: 200 with `errors`"),
    ("(e) update", "the role that somebody has already: ok"),
    ("(e) e-mail case", "addresses are kept as written, and compared without case"),
    ("(e) personal addresses", "are not blocked"),
    (
        "directory",
        "holds the people of the first workspace; invitations of others, and workspaces, are in the sandbox's own rows",
    ),
];
