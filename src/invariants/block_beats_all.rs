//! `block-beats-all`: a block ends access, whatever else the files say. What a block becomes is decided
//! where users are compared (`plan/users.rs`), which also says what stands in its way.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::BlockBeatsAll,
    statement: "a blocked person has no access in any target that can take it away, whatever else the files say; a \
                target or an account that a block cannot reach is named",
    source: "incident response: access ends first, questions come later",
    optional: false,
    scope: Scope::State,
    example: "targets: {home: {protected: [\"root@*\"]}}\n\
              blocks: [{user: root@acme.com, because: INC-77}]     # blocked, and never touched",
    fix: "Take the account out of `protected:`, or disable it by hand.",
};
