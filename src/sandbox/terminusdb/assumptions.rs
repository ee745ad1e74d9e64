//! What the sandbox does where nothing was recorded: a client must not rely on it.

/// The list for `rolecall sandbox terminusdb --assumptions`: the section of the fact sheet, and what is
/// assumed.
pub const ASSUMPTIONS: &[(&str, &str)] = &[
    (
        "1 ids",
        "names become ids by percent-encoding all but letters, digits and -._~!$&'()*+,;=:@ (seen: @, |, space, /, UTF-8)",
    ),
    ("1 ids", "the random part of an id is made of a counter: the same requests give the same ids"),
    ("1 password", "a password is kept as a salted SHA-256, and shown in the form of the server's hashes"),
    ("3 auth", "Basic without a colon is taken for no credentials; anonymous is there also where its document is not"),
    ("4 body", "a body is read before rights are looked at, both before names are resolved"),
    ("4 roles", "PUT of a name that two roles have is 404 NoUniqueIdForRoleName"),
    (
        "4 organizations",
        "GET below an organization is users, users/NAME and users/NAME/databases; other paths are a name",
    ),
    ("4 db", "HEAD of a database that is not there is 404 to everybody; DELETE of one is 404 UnknownDatabase"),
    (
        "4 db",
        "a name is refused where it holds `|` or `/`, or is empty; a database of the same name may be in each organization",
    ),
    ("4 db", "PUT with `name` changes the name in every list and nothing else"),
    (
        "4 documents",
        "databases hold schema and documents without checking one against the other; no branches, history or queries: 501",
    ),
    ("4 capabilities", "name mode resolves the user, then the scope, then the roles"),
    (
        "4 capabilities",
        "of several capabilities for one scope the one of the earliest transaction is used; of one transaction the last made",
    ),
    (
        "4 deprecated",
        "POST /organization is 500 for everybody; POST /user/NAME changes the password; DELETE /organization/NAME is that of /organizations",
    ),
    (
        "6 documents",
        "what is deleted is taken out of whatever refers to it; organizations and databases are not deleted this way: 501",
    ),
    ("6 documents", "a document without @id gets that of its name; nested ones of User.capability only"),
    (
        "6 graphql",
        "queries of one selection without arguments; ids are full, references to what is not there are left out",
    ),
    ("7.2 delete", "a database of two capabilities loses neither; the one that is complained of is the later"),
    (
        "10 hosted",
        "hosted calls are served with --hosted only, and were never recorded: paths and bodies are those of the JavaScript client",
    ),
    (
        "10 hosted",
        "the account behind the token is admin; POST of a capability that is there is 400, PUT of one that is not 404",
    ),
    (
        "10 hosted",
        "GET /organizations/ORG/users has a row for each capability in the organization, on databases too, with the address or else the name as e-mail",
    ),
    (
        "10 hosted",
        "an invitation becomes an account when it is accepted: PUT /organizations/ORG/invites/ID {accepted: true}",
    ),
];
