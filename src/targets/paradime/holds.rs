//! Whether the end state of a change is there, in a listing.

use super::listing::Listing;
use crate::model::Change;

/// Whether it is there. An address that several accounts have is never as it should be.
pub fn holds(listing: &Listing, change: &Change) -> bool {
    let role = |email: &str| match listing.person(email) {
        Ok(Some(person)) => Some(person.role.clone()),
        _ => None,
    };
    match change {
        // Who was quick has accepted already.
        Change::InviteUser { user } => {
            let invited = || listing.invitation(&user.email).map(|i| i.role.clone());
            role(&user.email).or_else(invited) == user.role
        }
        Change::UpdateUser { after, .. } => after.role.is_some() && role(&after.email) == after.role,
        Change::DisableUser { user, .. } => matches!(listing.person(&user.email), Ok(None)),
        _ => false,
    }
}
