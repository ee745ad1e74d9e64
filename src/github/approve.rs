//! Who somebody is to a repository: what an approval of theirs is worth.

use serde::Deserialize;

use super::client::{GitHub, segment};
use super::error::GithubError;

/// How much somebody may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Write.
    Write,
    /// Everything.
    Admin,
    /// Something new.
    #[serde(other)]
    Other,
}

/// What somebody may do in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Permission {
    /// The level; GitHub's `maintain` is `write` in it, and `triage` is `read`.
    #[serde(rename = "permission")]
    pub level: Level,
    /// The name of the role.
    #[serde(default)]
    pub role_name: Option<String>,
}

impl Permission {
    /// Whether they may write: only then GitHub counts their approval.
    #[must_use]
    pub fn writes(&self) -> bool {
        matches!(self.level, Level::Write | Level::Admin)
    }
}

impl GitHub {
    /// What somebody may do in the repository.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] where there is no such account; see [`GithubError`].
    pub async fn permission(&self, login: &str) -> Result<Permission, GithubError> {
        let path = self.path(&format!("/collaborators/{}/permission", segment(login)));
        self.get(&path, "what somebody may do in the repository").await
    }

    /// Whether somebody is an active member of a team. A token that may not see the team is an error, and no
    /// answer of no; the tokens of workflows see no teams.
    ///
    /// # Errors
    /// [`GithubError::NotFound`] where the team is not there or not visible; see [`GithubError`].
    pub async fn is_in_team(&self, organization: &str, team: &str, login: &str) -> Result<bool, GithubError> {
        #[derive(Deserialize)]
        struct Membership {
            state: String,
        }
        #[derive(Deserialize)]
        struct Team {
            #[serde(rename = "slug")]
            _slug: String,
        }
        let team = format!("/orgs/{}/teams/{}", segment(organization), segment(team));
        let path = format!("{team}/memberships/{}", segment(login));
        match self.get::<Membership>(&path, "the membership in a team").await {
            Ok(found) => Ok(found.state == "active"),
            // No member, or no team: the difference decides.
            Err(GithubError::NotFound(_)) => self.get::<Team>(&team, "the team").await.map(|_| false),
            Err(error) => Err(error),
        }
    }
}
