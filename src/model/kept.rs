//! Which attributes a target keeps. What it does not keep is for rolecall alone to know, and is neither
//! compared with it nor written to it.

/// The attributes that a target keeps, beside names and roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Of users: what kind of account it is, who answers for it, and its last moment.
    pub accounts: bool,
    /// Of users: the time zone.
    pub timezones: bool,
    /// Of users: the attributes by name; `None` where it keeps any.
    pub attributes: Option<&'static [&'static str]>,
    /// Of users: the names in other systems that it keeps; `None` where it keeps any.
    pub handles: Option<&'static [&'static str]>,
    /// Of teams: the description and the quotas.
    pub team_details: bool,
    /// Of teams: a base role.
    pub team_roles: bool,
    /// Of memberships: a role, the last moment and the reason.
    pub member_details: bool,
}

impl Kept {
    /// Everything.
    pub const ALL: Self = Self {
        accounts: true,
        timezones: true,
        attributes: None,
        handles: None,
        team_details: true,
        team_roles: true,
        member_details: true,
    };

    /// Whether it keeps the attribute of users of that name.
    #[must_use]
    pub fn keeps_attribute(&self, name: &str) -> bool {
        self.attributes.is_none_or(|known| known.contains(&name))
    }

    /// Whether it keeps the name of users in that other system.
    #[must_use]
    pub fn keeps_handle(&self, system: &str) -> bool {
        self.handles.is_none_or(|known| known.contains(&system))
    }
}

impl Default for Kept {
    fn default() -> Self {
        Self::ALL
    }
}
