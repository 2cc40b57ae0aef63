//! The fields of a record, and their conversion to an account.

use std::time::Duration;

use accounts::{
    InvalidMetadata, Metadata, MetadataValue, Role, Roles, StoredUser, Timestamp, User, UserId,
};
use auth_core::{Email, PasswordHash, SystemRandom};
use uuid::Uuid;

use super::problem::{Note, Problem};

/// A field that is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Email,
    PasswordHash,
    CreatedAt,
    DisabledAt,
    IsActive,
    BannedUntil,
    DeletedAt,
    EmailVerifiedAt,
    SecondFactor,
    Roles,
    MetadataPublic,
    MetadataPrivate,
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
    banned_until: Option<String>,
    deleted_at: Option<String>,
    email_verified_at: Option<String>,
    second_factor: Option<String>,
    roles: Option<String>,
    metadata_public: Option<String>,
    metadata_private: Option<String>,
    pub(super) id: Option<String>,
}

/// An account that can be imported.
pub(super) struct Import {
    /// The id in the other system, if the record has one.
    pub(super) old_id: Option<String>,
    pub(super) user: StoredUser,
    pub(super) notes: Vec<Note>,
}

/// The maximum difference between the clocks of two systems. A time in the future by at most this
/// much is replaced by the current time.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_mins(10);

impl Field {
    pub(super) const ALL: [Self; 13] = [
        Self::Email,
        Self::PasswordHash,
        Self::CreatedAt,
        Self::DisabledAt,
        Self::IsActive,
        Self::BannedUntil,
        Self::DeletedAt,
        Self::EmailVerifiedAt,
        Self::SecondFactor,
        Self::Roles,
        Self::MetadataPublic,
        Self::MetadataPrivate,
        Self::Id,
    ];

    /// Returns the names of the field in Latchkey, Supabase, Devise, Django, Flask-Security and
    /// Keycloak.
    pub(super) const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Email => &["email"],
            Self::PasswordHash => &["password_hash", "encrypted_password", "password"],
            Self::CreatedAt => &["created_at", "date_joined"],
            Self::DisabledAt => &["disabled_at"],
            Self::IsActive => &["is_active", "active", "enabled"],
            Self::BannedUntil => &["banned_until"],
            Self::DeletedAt => &["deleted_at"],
            Self::EmailVerifiedAt => &["email_verified_at", "email_confirmed_at"],
            Self::SecondFactor => &["second_factor"],
            Self::Roles => &["roles"],
            Self::MetadataPublic => &["metadata_public"],
            Self::MetadataPrivate => &["metadata_private"],
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
            Self::BannedUntil => "the end of the ban",
            Self::DeletedAt => "the time of deletion",
            Self::EmailVerifiedAt => "the time at which the email address was verified",
            Self::SecondFactor => "the second factor",
            Self::Roles => "the roles",
            Self::MetadataPublic => "the public metadata",
            Self::MetadataPrivate => "the private metadata",
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
            Field::BannedUntil => &mut self.banned_until,
            Field::DeletedAt => &mut self.deleted_at,
            Field::EmailVerifiedAt => &mut self.email_verified_at,
            Field::SecondFactor => &mut self.second_factor,
            Field::Roles => &mut self.roles,
            Field::MetadataPublic => &mut self.metadata_public,
            Field::MetadataPrivate => &mut self.metadata_private,
            Field::Id => &mut self.id,
        };
        *value = Some(text);
    }

    /// Converts the fields to an account.
    pub(super) fn into_import(self, now: Timestamp) -> Result<Import, Problem> {
        let mut notes = Vec::new();
        if let Some(text) = &self.deleted_at {
            parse_time(text, "deleted_at")?;
            return Err(Problem::Deleted);
        }
        let email = self.email.as_deref().ok_or(Problem::MissingEmail)?;
        let email = Email::parse(email).map_err(|_| Problem::InvalidEmail)?;
        let hash = self.password_hash.as_deref().ok_or(Problem::MissingHash)?;
        let password_hash: PasswordHash = hash.parse().map_err(Problem::InvalidHash)?;
        let created_at = match &self.created_at {
            Some(text) => past_time(text, "created_at", now, &mut notes)?,
            None => now,
        };
        let disabled_at = self.disabled_at(now, &mut notes)?;
        let email_verified_at = match &self.email_verified_at {
            Some(text) => Some(past_time(text, "email_verified_at", now, &mut notes)?),
            None => None,
        };
        if self.second_factor.is_some_and(|text| parse_bool(&text) != Ok(false)) {
            notes.push(Note::NoSecondFactor);
        }
        let roles = parse_roles(self.roles.as_deref().unwrap_or_default())?;
        let metadata = Metadata {
            public: parse_metadata(self.metadata_public, "metadata_public")?,
            private: parse_metadata(self.metadata_private, "metadata_private")?,
        };
        let id = match &self.id {
            Some(text) => parse_id(text).unwrap_or_else(|| {
                let id = UserId::generate(created_at, &SystemRandom);
                notes.push(Note::ReplacedId { old: text.clone(), new: id });
                id
            }),
            None => UserId::generate(created_at, &SystemRandom),
        };
        let user = User {
            id,
            email,
            created_at,
            disabled_at,
            email_verified_at,
            second_factor_at: None,
            roles,
        };
        let user = StoredUser { user, password_hash, metadata };
        Ok(Import { old_id: self.id, user, notes })
    }

    fn disabled_at(
        &self,
        now: Timestamp,
        notes: &mut Vec<Note>,
    ) -> Result<Option<Timestamp>, Problem> {
        if let Some(text) = &self.disabled_at {
            return past_time(text, "disabled_at", now, notes).map(Some);
        }
        let is_active = match &self.is_active {
            Some(text) => parse_bool(text)?,
            None => true,
        };
        let is_banned = match self.banned_until.as_deref() {
            // PostgreSQL's `infinity`: the ban never ends.
            Some("infinity") => true,
            Some(text) => parse_time(text, "banned_until")? > now,
            None => false,
        };
        Ok(if is_active && !is_banned { None } else { Some(now) })
    }
}

/// Parses the names of roles with spaces between them.
fn parse_roles(text: &str) -> Result<Roles, Problem> {
    let roles: Result<Vec<_>, _> = text.split_whitespace().map(Role::parse).collect();
    Roles::new(roles.map_err(Problem::InvalidRole)?).map_err(Problem::TooManyRoles)
}

fn parse_metadata(
    json: Option<String>,
    name: &'static str,
) -> Result<Option<MetadataValue>, Problem> {
    let Some(json) = json else { return Ok(None) };
    MetadataValue::parse(&json).map(Some).map_err(|error| match error {
        InvalidMetadata::TooLarge { bytes } => Problem::MetadataTooLarge { name, bytes },
        // The message quotes the file.
        _ => Problem::InvalidMetadata(name),
    })
}

/// Parses a UUID of any version, with or without hyphens, because some databases store none.
fn parse_id(text: &str) -> Option<UserId> {
    Uuid::try_parse(text.trim()).ok().and_then(|uuid| uuid.try_into().ok())
}

/// Parses a time that should be in the past.
fn past_time(
    text: &str,
    name: &'static str,
    now: Timestamp,
    notes: &mut Vec<Note>,
) -> Result<Timestamp, Problem> {
    let time = parse_time(text, name)?;
    if time <= now {
        Ok(time)
    } else if time <= now + MAX_CLOCK_DIFFERENCE {
        notes.push(Note::FutureTime(name));
        Ok(now)
    } else {
        Err(Problem::FutureTime(name))
    }
}

/// Parses a time in the format of RFC 3339, PostgreSQL (`2024-01-02 03:04:05.6+00`) or SQLite (UTC
/// without an offset), and truncates it to milliseconds.
fn parse_time(text: &str, name: &'static str) -> Result<Timestamp, Problem> {
    let text = text.trim();
    let parsed = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
    let time = parsed.ok().and_then(|time| Timestamp::from_millisecond(time.as_millisecond()).ok());
    time.ok_or(Problem::InvalidTime(name))
}

fn parse_bool(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(Problem::InvalidIsActive),
    }
}
