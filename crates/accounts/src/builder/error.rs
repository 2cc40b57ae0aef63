use std::{fmt, io};

use auth_core::{InvalidIterations, InvalidOrigin, KeyError, PasswordPolicyError};
#[cfg(feature = "sqlite")]
use user_store::OpenError;
use user_store::StoreError;
#[cfg(feature = "postgres")]
use user_store::{InvalidPostgresUrl, PostgresOpenError};

use crate::config::Weakness;
use crate::error_chain::error_chain;
use crate::tokens::KeyRingError;

/// An error from building a service. If the configuration is the cause, the message says how to fix
/// it. `Debug` prints the message, too, because Rust prints an error that `main` returns with
/// `Debug`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No store was given.
    #[error("there is no store; call `sqlite(PATH)`, `postgres(URL)` or `store(STORE)`")]
    NoStore,
    /// No public URL was given.
    #[error("there is no public URL; call `public_url(\"https://app.example\")`")]
    NoPublicUrl,
    /// The public URL is not an origin.
    #[error("the public URL {url:?} cannot be used: {reason}")]
    PublicUrl {
        /// The URL.
        url: String,
        /// The reason why it is rejected.
        reason: InvalidOrigin,
    },
    /// The access token lifetime is less than 1 second, so access tokens would never be valid.
    #[error("the access token lifetime must be at least 1 second")]
    AccessTokenLifetime,
    /// The minimum password length is out of range.
    #[error("the minimum password length must be between 1 and 64 characters")]
    PasswordMinLength(#[source] PasswordPolicyError),
    /// The number of PBKDF2 iterations is out of range.
    #[error("the number of PBKDF2 iterations must be between 1,000 and 10,000,000")]
    Iterations(#[source] InvalidIterations),
    /// The name of a handler of events is not valid, or two handlers have the same name.
    #[error(
        "the event handler {0:?} needs another name: 1 to 64 ASCII letters, digits, dots, hyphens and underscores, and different from those of the other handlers"
    )]
    EventHandlerName(String),
    /// Sign-in by email is on, but mail is off.
    #[error("sign-in by email needs mail; call `mail(TRANSPORT)`, or leave out `email_sign_in()`")]
    EmailSignInWithoutMail,
    /// The configuration is not secure. The value lists all of its weaknesses.
    #[error("the configuration is not secure: {}", list(.0))]
    Weak(Vec<Weakness>),
    /// The database cannot be opened.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The URL of the PostgreSQL database is invalid.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    PostgresUrl(#[from] InvalidPostgresUrl),
    /// The PostgreSQL database cannot be opened.
    #[cfg(feature = "postgres")]
    #[error(transparent)]
    OpenPostgres(#[from] PostgresOpenError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The stored signing keys cannot be used.
    #[error("the stored signing keys cannot be used; restore a backup")]
    Key(#[from] KeyError),
    /// The threads that hash passwords cannot be started.
    #[error("the threads that hash passwords cannot be started")]
    Threads(#[source] io::Error),
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&error_chain(self))
    }
}

fn list(weaknesses: &[Weakness]) -> String {
    let texts: Vec<_> = weaknesses.iter().map(Weakness::to_string).collect();
    texts.join(". ")
}

impl From<KeyRingError> for BuildError {
    fn from(error: KeyRingError) -> Self {
        match error {
            KeyRingError::Store(error) => Self::Store(error),
            KeyRingError::Key(error) => Self::Key(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_main_says_how_to_fix_it() {
        let printed = format!("{:?}", BuildError::NoPublicUrl);
        assert_eq!(printed, "there is no public URL; call `public_url(\"https://app.example\")`");
        let source = io::Error::other("no more threads");
        let printed = format!("{:?}", BuildError::Threads(source));
        assert!(printed.ends_with("cannot be started: no more threads"), "{printed}");
    }
}
