//! The reasons why a record cannot be imported, and notes about records that can.

use std::fmt;

use accounts::{InvalidRole, MetadataValue, TooManyRoles, UserId};
use auth_core::InvalidPasswordHash;
use uuid::Uuid;

use super::file::Place;
use crate::output::count;

/// A reason why a record cannot be imported. Its message says how to fix the record if that is not
/// obvious, and never contains a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    SeveralLines,
    ColumnCount { found: usize, expected: usize },
    NotAnObject,
    NotText(String),
    InvalidId(String),
    DuplicateName(String),
    DuplicateField(&'static [&'static str]),
    OutsideFields(String),
    MissingEmail,
    InvalidEmail,
    MissingHash,
    InvalidHash(InvalidPasswordHash),
    InvalidTime(&'static str),
    FutureTime(&'static str),
    InvalidIsActive,
    InvalidRole(InvalidRole),
    TooManyRoles(TooManyRoles),
    InvalidMetadata(&'static str),
    MetadataTooLarge { name: &'static str, bytes: usize },
    Deleted,
    DuplicateEmail { first: Place },
    DuplicateId { first: Place },
    Taken,
}

/// A note about a record that can be imported, but not exactly as it is in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Note {
    /// The time is in the future by a few minutes. The current time is used instead.
    FutureTime(&'static str),
    /// The id cannot be kept, because it is not a UUID, or is the nil or the max UUID. The account
    /// gets a new one.
    ReplacedId { old: String, new: UserId },
    /// The account had second factors or passkeys, which an export does not contain.
    NoSecondFactor,
    /// A value of the record contains line breaks.
    SeveralLines,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SeveralLines => f.write_str(
                "a value contains line breaks, so a misplaced quotation mark may have made one record of several; correct the quotation marks, or give --allow-line-breaks if this is one record",
            ),
            Self::ColumnCount { found, expected } => write!(
                f,
                "{}, but the first row has {expected}; quote values that contain a comma",
                count(*found, "column")
            ),
            Self::NotAnObject => {
                f.write_str("not a JSON object; write one object per line, or one array of objects")
            }
            Self::NotText(name) => write!(f, "{name} is a list or an object; write it as a string"),
            Self::InvalidId(name) => {
                write!(f, "{name} is neither a string nor an integer; write it as a string")
            }
            Self::DuplicateName(name) => {
                write!(f, "more than one member has the name {name:?}; keep only one")
            }
            Self::DuplicateField(names) => {
                write!(f, "more than one of {}; keep only one", names.join(", "))
            }
            Self::OutsideFields(name) => {
                write!(f, "{name} is beside the member fields; move it into fields")
            }
            Self::MissingEmail => f.write_str("no email address"),
            Self::InvalidEmail => f.write_str("not an email address of the form name@example.com"),
            Self::MissingHash => f.write_str("no password hash"),
            Self::InvalidHash(InvalidPasswordHash::Unknown) => f.write_str(
                "not a password hash in a known format (plain-text passwords and placeholders for accounts without a password are not imported)",
            ),
            Self::InvalidHash(error) => error.fmt(f),
            Self::InvalidTime(name) => {
                write!(f, "{name} is not a date and time; write it as 2024-01-02T03:04:05Z")
            }
            Self::FutureTime(name) => write!(f, "{name} is in the future"),
            Self::InvalidIsActive => f.write_str("the active flag is neither true nor false"),
            Self::InvalidRole(error) => write!(f, "roles contains a text that is {error}"),
            Self::TooManyRoles(error) => write!(f, "roles: {error}"),
            Self::InvalidMetadata(name) => write!(f, "{name} is not JSON"),
            Self::MetadataTooLarge { name, bytes } => write!(
                f,
                "{name} has {bytes} bytes of JSON, but at most {} are allowed",
                MetadataValue::MAX_BYTES
            ),
            Self::Deleted => f.write_str(
                "deleted_at is set, so the account was deleted in the other system; remove the record",
            ),
            Self::DuplicateEmail { first } => write!(f, "the same email address as in {first}"),
            Self::DuplicateId { first } => write!(f, "the same id as in {first}"),
            Self::Taken => f.write_str("an account with this email address or id already exists"),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FutureTime(name) => {
                write!(f, "{name} is a few minutes in the future; the current time is used")
            }
            Self::ReplacedId { old, .. } if Uuid::try_parse(old.trim()).is_ok() => {
                write!(f, "the id {old:?} is the nil or the max UUID, which identify nothing")
            }
            Self::ReplacedId { old, .. } => write!(f, "the id {old:?} is not a UUID"),
            Self::NoSecondFactor => f.write_str(
                "second factors and passkeys cannot be imported; the user has to set them up again",
            ),
            Self::SeveralLines => f.write_str("one record; a value contains line breaks"),
        }
    }
}
