//! From a declared target to something that reads or changes it.

use std::path::Path;

use super::directory::{DirectoryReader, DirectoryWriter, UrlError, path_of};
use super::{Reader, TargetError, Writer};
use crate::model::Moment;
use crate::plan::Confirmed;

/// Where a target is, with every variable filled in.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// Its name.
    pub target: &'a str,
    /// What kind of system it is.
    pub provider: &'a str,
    /// Where it is.
    pub url: &'a str,
    /// The folder that relative paths begin at.
    pub base: &'a Path,
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
    /// It does not answer as it should.
    #[error("the target `{0}` cannot be opened: {1}")]
    Target(String, TargetError),
}

/// A reader of a target: it can change nothing.
///
/// # Errors
/// When the provider is not built, or the address is none.
pub fn reader(address: Address<'_>, now: Moment) -> Result<Box<dyn Reader>, OpenError> {
    Ok(Box::new(DirectoryReader::new(directory(address)?, now)))
}

/// The file that whoever writes to the target locks, where the target is a file: two declarations with
/// stores of their own may mean the same one.
#[must_use]
pub fn lock_file(address: Address<'_>) -> Option<std::path::PathBuf> {
    let mut path = directory(address).ok()?.into_os_string();
    path.push(".lock");
    Some(path.into())
}

/// A writer of a target: only a plan that was confirmed opens one.
///
/// # Errors
/// When the provider is not built, or the target cannot be opened.
pub fn writer(
    _: &Confirmed<'_>,
    address: Address<'_>,
    now: Moment,
    invitation_days: u32,
) -> Result<Box<dyn Writer>, OpenError> {
    let path = directory(address)?;
    let opened = DirectoryWriter::open(path, now, invitation_days);
    Ok(Box::new(opened.map_err(|e| OpenError::Target(address.target.to_owned(), e))?))
}

fn directory(address: Address<'_>) -> Result<std::path::PathBuf, OpenError> {
    if address.provider != "directory" {
        return Err(OpenError::NotBuilt { target: address.target.to_owned(), provider: address.provider.to_owned() });
    }
    path_of(address.url, address.base).map_err(|e| OpenError::Address(address.target.to_owned(), e))
}
