//! What the file language must know of a provider: data that each target hands over.

use super::{Kind, RuleName};

/// The name of a setting, and the catalogue for each of its values.
pub type Variants = (&'static str, &'static [(&'static str, &'static str)]);

/// What can be declared for a provider.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// The word that stands in the files.
    pub provider: &'static str,
    /// The built-in catalogue that its targets have; `None` where every target names its own.
    pub catalogue: Option<&'static str>,
    /// Whether a target may name another catalogue: where roles mean what each server makes of them.
    pub open: bool,
    /// A setting that chooses among several built-in catalogues, and the one for each of its values;
    /// without the setting, it is `catalogue`.
    pub variants: Option<Variants>,
    /// The kinds of things that it has, written by the API or by hand.
    pub kinds: &'static [Kind],
    /// The keys of `credentials:`.
    pub credentials: &'static [&'static str],
    /// The keys of `settings:`.
    pub settings: &'static [&'static str],
    /// Whether roles can be made in it.
    pub custom_roles: bool,
    /// Whether no account can be without a role.
    pub role_needed: bool,
    /// Whether accounts have no roles at all, so that users without one belong to it as well.
    pub accounts_without_role: bool,
    /// How its `url:` begins.
    pub url: &'static [&'static str],
}

/// Everything that the file language knows of the world outside the files.
#[derive(Debug, Clone, Copy)]
pub struct Profiles {
    /// The providers.
    pub providers: &'static [Profile],
    /// The built-in catalogues: the name, and a file with a `catalogues:` section that holds it.
    pub catalogues: &'static [(&'static str, &'static str)],
    /// The invariants, by name.
    pub rules: &'static [RuleName],
}

impl Profiles {
    /// The profile of a provider.
    #[must_use]
    pub fn provider(&self, name: &str) -> Option<&'static Profile> {
        self.providers.iter().find(|p| p.provider == name)
    }
}
