//! From a declared target to something that reads or changes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{DirectoryReader, DirectoryWriter, UrlError, path_of};
use super::http::{Authorization, Client, Limits, Live, RecordError, Recorder, Replayer, Scrubber, Secret, Transport};
use super::omni;
use super::paradime;
use super::scim::{self, SettingError};
use super::strongly;
use super::terminusdb;
use super::{Reader, TargetError, Wanted, Writer};
use crate::model::{Catalogue, Moment};
use crate::plan::Confirmed;

/// Where a target is, with every variable filled in.
#[derive(Debug, Clone)]
pub struct Address<'a> {
    /// Its name.
    pub target: &'a str,
    /// What kind of system it is.
    pub provider: &'a str,
    /// Where it is.
    pub url: &'a str,
    /// The folder that relative paths begin at.
    pub base: &'a Path,
    /// What opens it.
    pub credentials: &'a BTreeMap<String, Secret>,
    /// The settings of its provider.
    pub settings: &'a BTreeMap<String, String>,
    /// Its roles.
    pub catalogue: &'a Arc<Catalogue>,
    /// Who takes over what people own who go for good, by e-mail.
    pub successor: Option<&'a str>,
    /// What of it is to be seen.
    pub wanted: Wanted,
    /// How requests reach it.
    pub wire: &'a Wire,
}

/// How requests reach a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Wire {
    /// Over the network.
    #[default]
    Live,
    /// Over the network, and written down below this folder, in one of the target's name.
    Record(PathBuf),
    /// Not at all: they are answered from such a folder.
    Replay(PathBuf),
}

/// Why a target cannot be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The provider can be declared and checked, and not yet read and changed.
    #[error(
        "the target `{target}` is of provider `{provider}`, which this version of rolecall can check but not yet read or change"
    )]
    NotBuilt {
        /// The target.
        target: String,
        /// Its provider.
        provider: String,
    },
    /// Its address is none.
    #[error("the address of the target `{0}` is not right: {1}")]
    Address(String, UrlError),
    /// A setting of it means nothing.
    #[error("the target `{0}`: {1}")]
    Setting(String, SettingError),
    /// It has no credentials that open it, or too many.
    #[error("the target `{0}`: {1}")]
    Credentials(String, &'static str),
    /// It cannot be recorded or answered from a recording.
    #[error("the target `{0}`: {1}")]
    Record(String, RecordError),
    /// It does not answer as it should.
    #[error("the target `{0}` cannot be opened: {1}")]
    Target(String, TargetError),
}

/// A connection to a target, which its reader and its writer share.
pub struct Link {
    target: String,
    end: End,
}

enum End {
    Directory(PathBuf),
    Scim(Arc<scim::Session>),
    Omni(Arc<omni::Session>),
    Paradime(Arc<paradime::Session>),
    Strongly(Arc<strongly::Session>),
    TerminusDb(Arc<terminusdb::Session>),
    TerminusDbHosted(Arc<terminusdb::hosted::Session>),
}

impl Link {
    /// Connects; nothing is sent yet.
    ///
    /// # Errors
    /// When the provider is not built, or what is declared of the target cannot be.
    pub fn open(address: Address<'_>) -> Result<Self, OpenError> {
        let target = address.target.to_owned();
        let end = match address.provider {
            "directory" => {
                End::Directory(path_of(address.url, address.base).map_err(|e| OpenError::Address(target.clone(), e))?)
            }
            "scim" => {
                let settings =
                    scim::Settings::read(address.settings).map_err(|e| OpenError::Setting(target.clone(), e))?;
                let client = client(&address, address.url, settings.limits())?;
                End::Scim(Arc::new(scim::Session::new(client, settings, Arc::clone(address.catalogue))))
            }
            "omni" => {
                let settings =
                    omni::Settings::read(address.settings).map_err(|e| OpenError::Setting(target.clone(), e))?;
                let url = omni::base_url(address.url).map_err(|e| OpenError::Target(target.clone(), e))?;
                let client = client(&address, &url, settings.limits())?;
                let successor = address.successor.map(str::to_owned);
                let catalogue = Arc::clone(address.catalogue);
                End::Omni(Arc::new(omni::Session::new(client, catalogue, address.wanted, successor)))
            }
            "paradime" => End::Paradime(Arc::new(paradime_session(&address)?)),
            "strongly" => {
                let settings =
                    strongly::Settings::read(address.settings).map_err(|e| OpenError::Setting(target.clone(), e))?;
                let url = strongly::base_url(address.url).map_err(|e| OpenError::Target(target.clone(), e))?;
                let client = client_with(&address, &url, settings.limits(), &strongly_key(&address)?)?;
                let successor = address.successor.map(str::to_owned);
                let catalogue = Arc::clone(address.catalogue);
                End::Strongly(Arc::new(strongly::Session::new(client, catalogue, settings, address.wanted, successor)))
            }
            "terminusdb" => {
                let settings =
                    terminusdb::Settings::read(address.settings).map_err(|e| OpenError::Setting(target.clone(), e))?;
                let url = terminusdb::base_url(address.url).map_err(|e| OpenError::Target(target.clone(), e))?;
                let catalogue = Arc::clone(address.catalogue);
                if let Some(organization) = settings.hosted.clone() {
                    let client = terminusdb_token(&address, &url, settings.limits())?;
                    let session = terminusdb::hosted::Session::new(client, organization, catalogue, address.wanted);
                    return Ok(Self { target, end: End::TerminusDbHosted(Arc::new(session)) });
                }
                let client = client(&address, &url, settings.limits())?;
                End::TerminusDb(Arc::new(terminusdb::Session::new(client, settings, catalogue, address.wanted)))
            }
            provider => return Err(OpenError::NotBuilt { target, provider: provider.to_owned() }),
        };
        Ok(Self { target, end })
    }

    /// A reader of the target: it can change nothing. `now` decides which invitations have run out.
    #[must_use]
    pub fn reader(&self, now: Moment) -> Box<dyn Reader> {
        match &self.end {
            End::Directory(path) => Box::new(DirectoryReader::new(path, now)),
            End::Scim(session) => Box::new(scim::ScimReader::new(Arc::clone(session))),
            End::Omni(session) => Box::new(omni::OmniReader::new(Arc::clone(session))),
            End::Paradime(session) => Box::new(paradime::ParadimeReader::new(Arc::clone(session))),
            End::TerminusDb(session) => Box::new(terminusdb::TerminusReader::new(Arc::clone(session))),
            End::TerminusDbHosted(session) => Box::new(terminusdb::hosted::HostedReader::new(Arc::clone(session))),
            End::Strongly(session) => Box::new(strongly::StronglyReader::new(Arc::clone(session), now)),
        }
    }

    /// A writer of the target: only a plan that was confirmed opens one.
    ///
    /// # Errors
    /// When the target cannot be opened.
    pub fn writer(&self, _: &Confirmed<'_>, now: Moment, invitation_days: u32) -> Result<Box<dyn Writer>, OpenError> {
        match &self.end {
            End::Directory(path) => {
                let opened = DirectoryWriter::open(path, now, invitation_days);
                Ok(Box::new(opened.map_err(|e| OpenError::Target(self.target.clone(), e))?))
            }
            End::Scim(session) => Ok(Box::new(scim::ScimWriter::new(Arc::clone(session)))),
            End::Omni(session) => Ok(Box::new(omni::OmniWriter::new(Arc::clone(session)))),
            End::Paradime(session) => Ok(Box::new(paradime::ParadimeWriter::new(Arc::clone(session)))),
            End::TerminusDb(session) => Ok(Box::new(terminusdb::TerminusWriter::new(Arc::clone(session)))),
            End::TerminusDbHosted(session) => Ok(Box::new(terminusdb::hosted::HostedWriter::new(Arc::clone(session)))),
            End::Strongly(session) => Ok(Box::new(strongly::StronglyWriter::new(Arc::clone(session), now))),
        }
    }

    /// The file that whoever writes to the target locks, where the target is a file: two declarations with
    /// stores of their own may mean the same one.
    #[must_use]
    pub fn lock_file(&self) -> Option<PathBuf> {
        let End::Directory(path) = &self.end else { return None };
        let mut path = path.clone().into_os_string();
        path.push(".lock");
        Some(path.into())
    }
}

/// A conversation with a workspace of Paradime.
fn paradime_session(address: &Address<'_>) -> Result<paradime::Session, OpenError> {
    let target = || address.target.to_owned();
    let settings = paradime::Settings::read(address.settings).map_err(|e| OpenError::Setting(target(), e))?;
    super::http::encrypted(address.url, "Paradime").map_err(|e| OpenError::Target(target(), e))?;
    let credential = match address.wire {
        // A recording is answered without anybody's secrets.
        Wire::Replay(_) => paradime::Credential::Nothing,
        _ => paradime::Credential::read(address.credentials, settings.workspace.as_deref())
            .map_err(|e| OpenError::Credentials(target(), e))?,
    };
    let client = client_with(address, address.url, settings.limits(), &credential.authorization(address.url))?;
    let catalogue = Arc::clone(address.catalogue);
    Ok(paradime::Session::new(client, catalogue, credential, settings.audit_log, address.wanted.whole))
}

/// What opens an instance of Strongly: a key in a header of its own (fact sheet strongly, section 2.1).
fn strongly_key(address: &Address<'_>) -> Result<Authorization, OpenError> {
    match (address.wire, address.credentials.get("key")) {
        // A recording is answered without anybody's secrets.
        (Wire::Replay(_), _) => Ok(Authorization::Nothing),
        (_, Some(key)) => {
            let secret = vec![("x-api-key", key.clone())];
            Ok(Authorization::Headers { secret, plain: Vec::new(), hidden: Vec::new() })
        }
        (_, None) => {
            Err(OpenError::Credentials(address.target.to_owned(), "its `credentials:` are to be `{key: ...}`"))
        }
    }
}

/// The client for an organization of the hosted TerminusDB: a token has a scheme of its own (fact sheet
/// terminusdb, section 3).
fn terminusdb_token(address: &Address<'_>, url: &str, limits: Limits) -> Result<Client, OpenError> {
    match address.credentials.get("token") {
        Some(token) if address.credentials.len() == 1 => {
            let secret = vec![("authorization", Secret::new(format!("Token {}", token.expose())))];
            let hidden = vec![token.clone()];
            client_with(address, url, limits, &Authorization::Headers { secret, plain: Vec::new(), hidden })
        }
        _ => client(address, url, limits),
    }
}

/// The client for an address, with what opens it.
fn client(address: &Address<'_>, url: &str, limits: Limits) -> Result<Client, OpenError> {
    let target = || address.target.to_owned();
    let get = |name: &str| address.credentials.get(name).cloned();
    let authorization = match (get("token"), get("user"), get("password")) {
        (Some(token), None, None) => Authorization::Bearer(token),
        (None, Some(user), Some(password)) => Authorization::Basic(user.expose().to_owned(), password),
        (None, None, None) => Authorization::Nothing,
        _ => {
            let message = "its `credentials:` are to be either `token`, or `user` and `password`";
            return Err(OpenError::Credentials(target(), message));
        }
    };
    client_with(address, url, limits, &authorization)
}

/// The client for an address that is opened so.
fn client_with(
    address: &Address<'_>,
    url: &str,
    limits: Limits,
    authorization: &Authorization,
) -> Result<Client, OpenError> {
    let target = || address.target.to_owned();
    let recording = |error| OpenError::Record(target(), error);
    let live =
        || Live::new(url, authorization, limits.timeout, limits.body_max).map_err(|e| OpenError::Target(target(), e));
    let transport: Box<dyn Transport> = match address.wire {
        Wire::Live => Box::new(live()?),
        Wire::Record(folder) => {
            let folder = folder.join(address.target);
            Box::new(Recorder::new(live()?, &folder, Scrubber::new(authorization)).map_err(recording)?)
        }
        Wire::Replay(folder) => Box::new(Replayer::new(&folder.join(address.target)).map_err(recording)?),
    };
    Ok(Client::new(transport, limits))
}
