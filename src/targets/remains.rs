//! What the end of an account leaves behind in a system: nothing that rolecall could take away, so that
//! somebody has to look.

/// What remains after an account is closed or blocked, in words; nothing where a system is not known to keep
/// anything.
#[must_use]
pub fn remains(provider: &str) -> &'static [&'static str] {
    match provider {
        // paradime.md (a), API key properties: a key has capabilities of its own, not those of a person.
        "paradime" => &["API keys that they made go on working until somebody revokes them, or their days run out"],
        // omni.md (a): organization keys outlive their maker; personal tokens end with the membership, and a
        // block leaves that as it is.
        "omni" => &[
            "organization API keys that they made go on working: Settings > API access",
            "personal access tokens end only when the account is revoked, not by a block",
        ],
        // terminusdb.md 3: passwords are sent with every request; tokens are made elsewhere.
        "terminusdb" => &["JSON web tokens that somebody else issues are accepted until they run out"],
        // strongly.md 2.2: making a user makes an API key with wildcard scopes.
        "strongly" => &["the API key with wildcard scopes that came with the account, and others that they made"],
        // RFC 7644 has nothing that ends a session or a token.
        "scim" => &["sessions that are open, and tokens that they made, unless the server ends them by itself"],
        _ => &[],
    }
}
