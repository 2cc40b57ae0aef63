//! A user as a record has it, and what can be wrong with one.

use std::fmt;

use accounts::{StoredUser, Timestamp, User, UserId};
use auth_core::{Email, InvalidPasswordHash, PasswordHash, SystemRandom};

/// What is taken over of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Email,
    PasswordHash,
    CreatedAt,
    DisabledAt,
    IsActive,
    Id,
}

/// The texts of the fields that a record has.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) email: Option<String>,
    password_hash: Option<String>,
    created_at: Option<String>,
    disabled_at: Option<String>,
    is_active: Option<String>,
    id: Option<String>,
}

/// Why a record cannot be taken over. Says how to mend it, and shows no hash.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    Columns { found: usize, named: usize },
    NoObject,
    NoFields,
    NoText(String),
    SaidTwice(&'static [&'static str]),
    NoEmail,
    Email,
    NoHash,
    Hash(InvalidPasswordHash),
    Time(&'static str),
    Future(&'static str),
    Active,
    Twice(u64),
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

    /// What it is called: here, by Supabase and Devise, by Django.
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

    pub(super) fn named(name: &str) -> Option<Self> {
        let is_name = |field: &Self| field.names().iter().any(|it| it.eq_ignore_ascii_case(name));
        Self::ALL.into_iter().find(is_name)
    }

    pub(super) const fn is_required(self) -> bool {
        matches!(self, Self::Email | Self::PasswordHash)
    }

    pub(super) const fn what(self) -> &'static str {
        match self {
            Self::Email => "the e-mail address",
            Self::PasswordHash => "the password's hash",
            Self::CreatedAt => "when the account was made",
            Self::DisabledAt => "since when it is disabled",
            Self::IsActive => "whether it is active",
            Self::Id => "its id",
        }
    }
}

impl FromIterator<(Field, String)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, String)>>(given: I) -> Self {
        let mut fields = Self::default();
        for (field, text) in given {
            let place = match field {
                Field::Email => &mut fields.email,
                Field::PasswordHash => &mut fields.password_hash,
                Field::CreatedAt => &mut fields.created_at,
                Field::DisabledAt => &mut fields.disabled_at,
                Field::IsActive => &mut fields.is_active,
                Field::Id => &mut fields.id,
            };
            *place = Some(text);
        }
        fields
    }
}

impl Fields {
    /// The account. What another system calls its users by is no id here, and makes room for
    /// one of ours.
    pub(super) fn user(self, now: Timestamp) -> Result<StoredUser, Problem> {
        let email = self.email.as_deref().ok_or(Problem::NoEmail)?;
        let email = Email::parse(email).map_err(|_| Problem::Email)?;
        let hash = self.password_hash.as_deref().ok_or(Problem::NoHash)?;
        let password_hash: PasswordHash = hash.parse().map_err(Problem::Hash)?;
        let time = |text: &Option<String>, name| {
            text.as_deref().map(|text| time(text, name, now)).transpose()
        };
        let created_at = time(&self.created_at, "created_at")?.unwrap_or(now);
        let is_active = self.is_active.as_deref().map(truth).transpose()?.unwrap_or(true);
        let disabled_at = time(&self.disabled_at, "disabled_at")?;
        let disabled_at = disabled_at.or((!is_active).then_some(now));
        let id = self.id.and_then(|id| id.parse().ok());
        let id = id.unwrap_or_else(|| UserId::generate(created_at, &SystemRandom));
        Ok(StoredUser { user: User { id, email, created_at, disabled_at }, password_hash })
    }
}

/// A time as RFC 3339, PostgreSQL (`2024-01-02 03:04:05.6+00`) and SQLite (without an offset,
/// in UTC) write it, to the millisecond.
fn time(text: &str, name: &'static str, now: Timestamp) -> Result<Timestamp, Problem> {
    let text = text.trim();
    let parsed = text.parse::<Timestamp>().or_else(|_| format!("{text}Z").parse());
    let time = parsed.ok().and_then(|time| Timestamp::from_millisecond(time.as_millisecond()).ok());
    match time {
        Some(time) if time <= now => Ok(time),
        Some(_) => Err(Problem::Future(name)),
        None => Err(Problem::Time(name)),
    }
}

fn truth(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "t" | "true" => Ok(true),
        "0" | "f" | "false" => Ok(false),
        _ => Err(Problem::Active),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Columns { found, named } => write!(
                f,
                "{found} columns, where the first row names {named}; quote a comma in a value"
            ),
            Self::NoObject => f.write_str("not a JSON object; give one a line"),
            Self::NoFields => f.write_str("without an object `fields`"),
            Self::NoText(name) => write!(f, "{name} is a list or an object; give a text"),
            Self::SaidTwice(names) => {
                write!(f, "more than one of {}; leave the others out", names.join(", "))
            }
            Self::NoEmail => f.write_str("no e-mail address"),
            Self::Email => f.write_str("not an e-mail address of the form name@example.com"),
            Self::NoHash => f.write_str("no hash of a password"),
            Self::Hash(InvalidPasswordHash::Unknown) => f.write_str(
                "not a password hash of a known form (a password itself, or a mark for none, is not taken over)",
            ),
            Self::Hash(error) => error.fmt(f),
            Self::Time(name) => {
                write!(f, "{name} is no time; write it as 2024-01-02T03:04:05Z")
            }
            Self::Future(name) => write!(f, "{name} lies ahead"),
            Self::Active => f.write_str("is_active is neither true nor false"),
            Self::Twice(first) => write!(f, "the same address as number {first}"),
            Self::Taken => f.write_str("an account has this address or id already"),
        }
    }
}
