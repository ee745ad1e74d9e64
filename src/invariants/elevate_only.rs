//! `elevate-only`: a grant gives more than its principal has on the resource without it. The check is in
//! `sources`, together with that of `inherited-not-repeated`.

use super::{RuleInfo, Scope};
use crate::diagnostic::Code;

/// The rule.
pub const RULE: RuleInfo = RuleInfo {
    code: Code::ElevateOnly,
    statement: "a role on a resource is above what its holder has there by their own role, their teams, everyone or \
                ownership; one that is equal or lower has no effect, and no grant restricts anything",
    source: "TerminusDB, team permissions: a role on a data product only ever adds to that of the team; Strongly, \
             3.3.7: a viewer's grants are capped",
    optional: true,
    scope: Scope::File,
    example: "teams: {platform: {members: [ada@acme.com]}}\n\
              resources:\n\
              \x20 project/fraud: {access: {edit: [team/platform], view: [ada@acme.com]}}   # ada has edit already",
    fix: "Remove the grant. If somebody is to have less than their team, take them out of the team: a lower grant \
          beside a higher one takes nothing away.",
};
