//! The fields of a record to import, and the problems that prevent its import.

use std::fmt;

use accounts::{StoredUser, Timestamp, User, UserId};
use auth_core::{Email, InvalidPasswordHash, PasswordHash, SystemRandom};

use crate::output::count;

/// A field that is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Email,
    PasswordHash,
    CreatedAt,
    DisabledAt,
    IsActive,
    Id,
}

/// The values of a record's fields, as text.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) email: Option<String>,
    password_hash: Option<String>,
    created_at: Option<String>,
    disabled_at: Option<String>,
    is_active: Option<String>,
    id: Option<String>,
}

/// A reason why a record cannot be imported. Its message says how to fix the record if that is not
/// obvious, and never contains a hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    ColumnCount { found: usize, expected: usize },
    NotAnObject,
    NoFieldsObject,
    NotText(String),
    DuplicateField(&'static [&'static str]),
    MissingEmail,
    InvalidEmail,
    MissingHash,
    InvalidHash(InvalidPasswordHash),
    InvalidTime(&'static str),
    FutureTime(&'static str),
    InvalidIsActive,
    DuplicateEmail { unit: &'static str, first: u64 },
    Taken,
}

impl Field {
    pub(super) const ALL: [Self; 6] = [
        Self::Email,
        Self::PasswordHash,
        Self::CreatedAt,
        Self::DisabledAt,
        Self::IsActive,
        Self::Id,
    ];

    /// Returns the names of the field in Latchkey, Supabase, Devise and Django.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Email => &["email"],
            Self::PasswordHash => &["password_hash", "encrypted_password", "password"],
            Self::CreatedAt => &["created_at", "date_joined"],
            Self::DisabledAt => &["disabled_at"],
            Self::IsActive => &["is_active"],
            Self::Id => &["id"],
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        let has_name =
            |field: &Self| field.names().iter().any(|known| known.eq_ignore_ascii_case(name));
        Self::ALL.into_iter().find(has_name)
    }

    pub(super) const fn is_required(self) -> bool {
        matches!(self, Self::Email | Self::PasswordHash)
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Email => "the email address",
            Self::PasswordHash => "the password hash",
            Self::CreatedAt => "the creation time",
            Self::DisabledAt => "the time of deactivation",
            Self::IsActive => "the active flag",
            Self::Id => "the id",
        }
    }
}

impl Fields {
    pub(super) fn set(&mut self, field: Field, text: String) {
        let value = match field {
            Field::Email => &mut self.email,
            Field::PasswordHash => &mut self.password_hash,
            Field::CreatedAt => &mut self.created_at,
            Field::DisabledAt => &mut self.disabled_at,
            Field::IsActive => &mut self.is_active,
            Field::Id => &mut self.id,
        };
        *value = Some(text);
    }

    /// Converts the fields to an account. An id that is not a UUIDv7 is replaced by a new one.
    pub(super) fn into_user(self, now: Timestamp) -> Result<StoredUser, Problem> {
        let email = self.email.as_deref().ok_or(Problem::MissingEmail)?;
        let email = Email::parse(email).map_err(|_| Problem::InvalidEmail)?;
        let hash = self.password_hash.as_deref().ok_or(Problem::MissingHash)?;
        let password_hash: PasswordHash = hash.parse().map_err(Problem::InvalidHash)?;
        let created_at = match &self.created_at {
            Some(text) => parse_time(text, "created_at", now)?,
            None => now,
        };
        let is_active = match &self.is_active {
            Some(text) => parse_bool(text)?,
            None => true,
        };
        let disabled_at = match &self.disabled_at {
            Some(text) => Some(parse_time(text, "disabled_at", now)?),
            None if is_active => None,
            None => Some(now),
        };
        let id = self.id.and_then(|id| id.parse().ok());
        let id = id.unwrap_or_else(|| UserId::generate(created_at, &SystemRandom));
        Ok(StoredUser { user: User { id, email, created_at, disabled_at }, password_hash })
    }
}

/// Parses a time in the format of RFC 3339, PostgreSQL (`2024-01-02 03:04:05.6+00`) or SQLite (UTC
/// without an offset), and truncates it to milliseconds.
fn parse_time(text: &str, name: &'static str, now: Timestamp) -> Result<Timestamp, Problem> {
    let text = text.trim();
    let parsed = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
    let time = parsed.ok().and_then(|time| Timestamp::from_millisecond(time.as_millisecond()).ok());
    match time {
        Some(time) if time <= now => Ok(time),
        Some(_) => Err(Problem::FutureTime(name)),
        None => Err(Problem::InvalidTime(name)),
    }
}

fn parse_bool(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(Problem::InvalidIsActive),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ColumnCount { found, expected } => write!(
                f,
                "{}, but the first row has {expected}; quote values that contain a comma",
                count(*found, "column")
            ),
            Self::NotAnObject => f.write_str("not a JSON object; write one object per line"),
            Self::NoFieldsObject => f.write_str("no `fields` object; export with manage.py dumpdata"),
            Self::NotText(name) => write!(f, "{name} is a list or an object; write it as a string"),
            Self::DuplicateField(names) => {
                write!(f, "more than one of {}; keep only one", names.join(", "))
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
            Self::InvalidIsActive => f.write_str("is_active is neither true nor false"),
            Self::DuplicateEmail { unit, first } => {
                write!(f, "the same email address as in {unit} {first}")
            },
            Self::Taken => f.write_str("an account with this email address or id already exists"),
        }
    }
}
