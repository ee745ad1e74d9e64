//! The nouns: users, roles, teams, resources, grants, domains, policies, and [`Directory`], the
//! whole state of one target. The same types hold what is desired and what is live.
//!
//! Nothing here knows of files, of HTTP, or of the time of day: time comes in as a [`Moment`].

mod catalogue;
mod change;
mod claim;
mod desired;
mod directory;
mod email;
mod index;
mod kept;
mod kind;
mod manage;
mod moment;
mod permissions;
mod policy;
mod profile;
mod quantity;
mod record;
mod said;

pub use catalogue::{Catalogue, CatalogueRole, Combine, Place, ResourceKind, Standing, inclusion};
pub use change::{Change, Effect, GrantedRole, Why};
pub use claim::{Ability, Claim, Says, Subject};
pub use desired::Desired;
pub use directory::{
    Builder, Directory, Domain, DomainId, Grant, Membership, Origins, Principal, Ranks, Resource, ResourceId, Role,
    RoleId, Team, TeamId, Twice, User, UserId,
};
pub use email::{DomainName, Email, NameError, is_invisible, look_alike};
pub use index::{Granted, Grouped};
pub use kept::Kept;
pub use kind::{Kind, ObjectRef};
pub use manage::{Identities, Manage, Mode, Ownership, Pattern, Rule};
pub use moment::{Moment, MomentError};
pub use permissions::{PERMISSIONS_MAX, Permissions};
pub use policy::{ApprovalRule, Approver, Limits, PolicyKey, Removal, RuleName, Rules, Setting, UserRemoval};
pub use profile::{Profile, Profiles};
pub use quantity::{Bytes, Days, QuantityError, Share};
pub use record::{
    DomainRecord, GrantRecord, MemberRecord, PrincipalRecord, QuotaRecord, ResourceRecord, RoleRecord, TeamRecord,
    UserKind, UserRecord, UserState, Visibility,
};
pub use said::Said;
