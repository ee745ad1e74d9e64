//! `inherited-not-repeated`: no grant of what comes down from a team or a resource around. The check is in
//! `sources`, together with that of `elevate-only`; that some kinds take no grants at all is said where
//! grants are read.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::InheritedNotRepeated,
    statement: "no grant on a resource whose access is inherited by rule, and none that the resource it lies in, or a \
                team around the team, already gives",
    source: "Strongly: all project workspaces inherit the permissions of their project; members of an inner team \
             count as members of the outer one",
    optional: true,
    scope: Scope::File,
    example: "resources:\n\
              \x20 folder/finance: {access: {writer: [ada@acme.com]}}\n\
              \x20 folder/reports: {in: folder/finance, access: {reader: [ada@acme.com]}}   # inherited already",
    fix: "Remove the grant; or, if it is to stay when the outer one goes, move the outer one down to where it is \
          needed.",
};
