//! What the sandbox does where the fact sheet does not say what Omni does: a client must not rely on it.

/// The list for `rolecall sandbox omni --assumptions`: the row or section of the fact sheet, and what is
/// assumed.
pub const ASSUMPTIONS: &[(&str, &str)] = &[
    (
        "(a) errors",
        "SCIM answers {\"detail\", \"status\"} like v1, 422 {\"error\"} everywhere; docs-errors: {\"error\", \"message\"}",
    ),
    ("(a) errors", "a wrong token is 403 `Invalid bearer token`, none is 401"),
    (
        "(a) errors",
        "a path or method that is not known is 404; on model roles and permissions a method is 400 `Method not allowed`",
    ),
    (
        "(a) rate limit",
        "60 requests in any 60 seconds; 429 without Retry-After (retry-after: with it); refused requests do not count",
    ),
    (
        "(a) pagination",
        "SCIM gives at most 1000 resources on a page; fractions of numbers are cut off; a negative count is none",
    ),
    ("(a) pagination", "pageSize is 20 where nothing is said and at most 100, for documents 50 and 100; beyond it 400"),
    ("(a) pagination", "a cursor that was not given out is 400; an empty one begins at the beginning"),
    (
        "(a) filter",
        "only eq on userName (users) and displayName (groups, exact case), eq and co on embed users; all else is 400",
    ),
    (
        "(a) whoami",
        "the key was made by the first organization administrator (--acting says otherwise); without one by somebody unknown, who administers",
    ),
    (
        "(a) whoami",
        "rolesByModel has roleName, baseRole, priority and permissions of all models that take roles, or of those asked for",
    ),
    (
        "b.1 list",
        "users are in the order of their creation; members only: who was revoked is gone (inactive-shown: shown as inactive)",
    ),
    ("b.1 create", "`active`, `emails`, `schemas` and other keys are ignored; displayName must be a text"),
    (
        "b.1 create",
        "e-mail addresses are compared without case; a new user with the address of one who is gone is somebody else",
    ),
    ("b.1 replace", "what is not said is reset: displayName to the address, attributes to none, active to true"),
    ("b.1 replace, patch", "userName cannot become another: 400 (email-changes: it can)"),
    (
        "b.1 patch",
        "`schemas` must hold the PatchOp URN; an unknown path is 400, an unknown key of an object without path is ignored",
    ),
    (
        "b.1 patch",
        "`remove` works without `value` on attributes (strict-remove: 400); on active, displayName and userName it is 400",
    ),
    ("b.1 patch", "paths and `true`/`false` as texts are read whatever their case; a dotted attribute path is 400"),
    ("b.1 patch", "operations after active:false are done, and the membership then ends"),
    (
        "b.1 delete",
        "groups, model roles and permits of the user end, personal keys are disabled; what they own stays theirs",
    ),
    ("b.1 delete", "schedules stay, stopped by the system with the reason noAccess (schedules-deleted: they go)"),
    (
        "b.1 attributes",
        "one without a definition, and a system one, is ignored without a word (undefined-refused: 400)",
    ),
    (
        "b.1 attributes",
        "null, \"\", [] and {} clear a value; numbers are kept and shown as texts; a default is not shown as a value",
    ),
    (
        "b.1 attributes",
        "a list for an attribute with one value is 400; one value for an attribute with several becomes a list; what is no number for a Number is 400",
    ),
    (
        "b.1 attributes",
        "omni_user_timezone and omni_allows_personal_content can be set, and are not shown (system-shown: shown)",
    ),
    ("b.1 last login", "nobody has logged in, unless a file of things says so"),
    ("b.1 embed users", "DELETE is 204, takes them out of their groups, and they have no case-sensitive userName"),
    ("b.1 email-only", "bodies are {email, userAttributes}, in bulk {users: [...]}; attributes are merged"),
    ("b.2 create", "a name of 1 to 64 characters, compared exactly; a name that is taken is 409 for rename too"),
    (
        "b.2 members",
        "who is no member and no embed user is 400; twice the same is once; who is added again, or removed and not there, is no error",
    ),
    ("b.2 patch", "the four forms of the OpenAPI document and no other: 400; operations are all done or none"),
    (
        "b.2 replace",
        "a member without `display` is 400 `members: Required`; its text is not kept: members show their address",
    ),
    ("b.2 ids", "short identifiers and full ones are made of a counter; nothing links them"),
    (
        "b.3 list",
        "a line for each role on each model, base role lines for models only; roles on a connection as a whole have no modelId",
    ),
    (
        "b.3 list",
        "the highest priority decides for each model, the first of equals; a role on the whole connection decides for all its models",
    ),
    ("b.3 list", "organization administrators have CONNECTION_ADMIN everywhere, from `Organization Role`"),
    ("b.3 list", "an unknown modelId or connectionId is 404"),
    (
        "b.3 assign",
        "RESTRICTED_QUERIER is no roleName: 422; roleName is checked before models and connections fit together",
    ),
    ("b.3 assign", "CONNECTION_ADMIN with a modelId is given on the connection of the model"),
    (
        "b.3 assign",
        "NO_ACCESS with a connectionId alone takes a role on the whole connection away, where there is one; else 400",
    ),
    ("b.3 assign", "an embed user is not found"),
    (
        "b.4 base role",
        "GET says RESTRICTED_QUERIER (topic-spelling: QUERY_TOPICS); PATCH takes both and custom roles; an unknown one is 400",
    ),
    (
        "b.4 create",
        "POST /v1/models and /v1/connections answer 201; a new connection has no model, and its calls work at once",
    ),
    (
        "b.5 write",
        "POST 201 with the record, PATCH or PUT 200 with the record, DELETE 200 {success}; a name that is taken or begins with omni_ is 409",
    ),
    ("b.5 write", "name cannot be changed; system attributes are 404 (no-definition-writes: all of it is 404)"),
    (
        "b.6 list",
        "path lists the folder and what lies in it; ownerId lists restricted folders of that owner; userId is ignored",
    ),
    (
        "b.6 create",
        "the own part of the path is the name in lower case with hyphens, numbered where it is taken; the owner is userId or the key's maker",
    ),
    (
        "b.6 permits",
        "the owner is shown as MANAGER with isOwner; everyone as `Organization` where a role for everyone is set",
    ),
    (
        "b.6 permits",
        "POST overwrites a permit that is there; PATCH of one that is not is 404; DELETE of one that is not is 200",
    ),
    ("b.6 permits", "userGroupIds may be short or full identifiers; an unknown group or membership is 404"),
    (
        "b.6 permits",
        "there is no default content role: without a permit, an outer folder and a role for everyone, nobody reaches it",
    ),
    ("b.6 permits", "AccessBoost is on for the organization (boost-off, boost-cleared: it is not)"),
    (
        "b.6 permits",
        "PUT takes roles in both cases, for documents without EXPLORER; NO_ACCESS takes the role for everyone away",
    ),
    (
        "b.7 list",
        "deleted documents are not there; a document without a folder lies in the personal folder of its owner",
    ),
    ("b.7 access-list", "everyone is not in it; sorted by name where nothing is said"),
    (
        "b.7 transfer",
        "a permit on the document itself is needed, not only on its folder: 400; an owner who is gone leaves no MANAGER behind",
    ),
    ("b.7 move", "POST and PUT; the scope becomes that of the folder; the personal-content flag is not looked at"),
    ("b.8 transfer", "to the owner, to who cannot view the dashboard, or of an owner who is gone: 400"),
    (
        "b.8 update",
        "needs name, schedule and timezone; recipients are none afterwards; recipients are shown as {emails, userIds, userGroupIds}",
    ),
    ("b.9 keys", "one organization key, that of the token; disabling or revoking it does not close the sandbox"),
    ("not served", "/openapi.json: the sandbox does not describe itself"),
    ("not served", "/v1/content, /v2/documents, /unstable/...: their bodies are not known; 404"),
    ("not served", "bulk deletion of e-mail-only users: its path is not known; 404"),
    ("(c) custom roles", "have the priority of their base, unless a file of things says another"),
    (
        "seed",
        "folders and documents without an owner belong to the first organization administrator, or to whoever made the key",
    ),
    (
        "seed",
        "who is disabled is as one who was revoked (inactive-shown: shown as inactive); declared attributes are defined as texts; a document's declared name is its name below its folder",
    ),
    (
        "seed",
        "a document whose name is eight letters and digits, an upper-case letter and a digit among them, has it for its identifier",
    ),
    (
        "directory",
        "folders and documents are resources by path, NO_ACCESS is no grant, a base role is a grant to everyone; custom roles are roles",
    ),
];
