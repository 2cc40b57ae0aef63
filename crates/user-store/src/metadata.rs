//! Data that the app stores with an account.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use auth_core::{Timestamp, UserId};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;

/// Stores the metadata of accounts: for each account, a JSON value that the user can read and one
/// that only the app reads.
///
/// # Rules
///
/// - Nothing that is called for every request reads metadata.
/// - Of concurrent changes to the same value, the last one wins. Changes to the two values do not
///   affect each other.
/// - The audit event of a change contains which of the values was changed, but not its content.
/// - The metadata is deleted with the account.
#[doc = include_str!("signatures/MetadataStore.md")]
#[async_trait]
pub trait MetadataStore: Send + Sync + 'static {
    /// Returns the metadata of this user, or `None` if the account does not exist.
    async fn metadata(&self, user: UserId) -> Result<Option<Metadata>, StoreError>;

    /// Replaces one of the values. If it is the same as before, nothing changes.
    async fn set_metadata(
        &self,
        change: &MetadataChange,
        now: Timestamp,
    ) -> Result<SetMetadataOutcome, StoreError>;
}

/// The metadata of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Metadata {
    /// The value that the user can read, if there is one. The user cannot change it.
    pub public: Option<MetadataValue>,
    /// The value that only the app reads, if there is one.
    pub private: Option<MetadataValue>,
}

/// A change to the metadata of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataChange {
    /// The account.
    pub user: UserId,
    /// The value that is replaced.
    pub kind: MetadataKind,
    /// The new value. `None` removes it.
    pub value: Option<MetadataValue>,
}

/// The outcome of [`MetadataStore::set_metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum SetMetadataOutcome {
    /// The account has the value. It may have had it before the call.
    Set,
    /// No account has this id. Nothing was written.
    NotFound,
}

/// One of the two values of [`Metadata`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataKind {
    /// The value that the user can read.
    Public,
    /// The value that only the app reads.
    Private,
}

impl MetadataKind {
    /// Returns the stable name: `public` or `private`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// A JSON value of at most 16 KiB. A copy is cheap. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq)]
pub struct MetadataValue(Arc<str>);

/// An error from building a [`MetadataValue`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidMetadata {
    /// The value is not JSON, or cannot be serialised as JSON.
    #[error("metadata must be a JSON value: {0}")]
    NotJson(String),
    /// The JSON is too long.
    #[error("metadata has {bytes} bytes of JSON: at most 16384 are allowed")]
    TooLarge {
        /// The length of the JSON, in bytes.
        bytes: usize,
    },
}

impl MetadataValue {
    /// The maximum length of the value, in bytes of JSON without white space.
    pub const MAX_BYTES: usize = 16 * 1_024;

    /// Builds a value from one that can be serialised as JSON.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`].
    pub fn new(value: &impl Serialize) -> Result<Self, InvalidMetadata> {
        Self::parse(&serde_json::to_string(value).map_err(|error| not_json(&error))?)
    }

    /// Parses JSON. White space and the order of members are not kept.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`].
    pub fn parse(json: &str) -> Result<Self, InvalidMetadata> {
        let value: serde_json::Value =
            serde_json::from_str(json).map_err(|error| not_json(&error))?;
        let json = value.to_string();
        if json.len() > Self::MAX_BYTES {
            return Err(InvalidMetadata::TooLarge { bytes: json.len() });
        }
        Ok(Self(json.into()))
    }

    /// Reads a stored value, without checking it.
    #[must_use]
    pub fn from_stored(json: &str) -> Self {
        Self(json.into())
    }

    /// Returns the value as JSON.
    #[must_use]
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Returns the value as a value of the app's own type.
    ///
    /// # Errors
    ///
    /// An error from serde if the value does not have the form of `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_json())
    }
}

fn not_json(error: &serde_json::Error) -> InvalidMetadata {
    InvalidMetadata::NotJson(error.to_string())
}

impl fmt::Debug for MetadataValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MetadataValue({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_any_json_of_at_most_16_kib() {
        for json in ["null", "true", "7", "\"a\"", "[1,2]", "{\"plan\":\"pro\"}"] {
            assert_eq!(MetadataValue::parse(json).unwrap().as_json(), json);
        }
        assert_eq!(MetadataValue::parse(" { \"a\" : 1 } ").unwrap().as_json(), "{\"a\":1}");
        for text in ["", "{", "{} {}", "a", "'a'", &"[".repeat(200)] {
            assert!(matches!(MetadataValue::parse(text), Err(InvalidMetadata::NotJson(_))));
        }
        let of_bytes = |bytes: usize| MetadataValue::new(&"x".repeat(bytes - 2));
        assert!(of_bytes(16_384).is_ok());
        assert_eq!(of_bytes(16_385), Err(InvalidMetadata::TooLarge { bytes: 16_385 }));
    }

    #[test]
    fn a_value_is_not_printed() {
        let value = MetadataValue::new(&"secret plan").unwrap();
        assert_eq!(format!("{value:?}"), "MetadataValue(13 bytes)");
    }
}
