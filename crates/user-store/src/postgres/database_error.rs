//! Errors from the server, without the data that they may contain.

use std::error::Error;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::error::StoreError;

/// An error from the server or from the connection to it.
///
/// It has the server's message, but none of the further fields of a [`DbError`]: its detail can
/// contain a whole row.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(super) struct DatabaseError {
    pub(super) kind: ErrorKind,
    /// The server's code for the error, if the error is from the server.
    code: Option<SqlState>,
    /// `true` if a transaction whose `COMMIT` got this error may have been committed, because the
    /// connection has ended or the server does not know.
    pub(super) leaves_commit_unknown: bool,
    /// `true` if the client refuses to authenticate, for example because it has no password.
    is_refused_by_client: bool,
    message: String,
}

/// The kind of an error, by how a failed transaction can react to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorKind {
    /// The transaction conflicted with another one. It was rolled back and can run again.
    Conflict,
    /// Rows that were read before the transaction have changed since. The transaction changed
    /// nothing. Read the rows again before it is repeated.
    Stale,
    /// A row with this key exists. The transaction was rolled back. If it runs again, it finds the
    /// row.
    Duplicate,
    /// The connection is unusable. A new one may reach a server that works.
    Connection,
    /// The server has not answered in time.
    NoAnswer,
    /// The server or its settings must be fixed first.
    Unavailable,
    /// This program or the schema has a bug.
    Defect,
}

impl DatabaseError {
    pub(super) fn new(kind: ErrorKind, message: &str) -> Self {
        Self {
            kind,
            code: None,
            leaves_commit_unknown: false,
            is_refused_by_client: false,
            message: message.to_owned(),
        }
    }

    /// Returns `true` if the server rejects the role, its password or the name of the database, or
    /// if the client cannot authenticate as the server requires.
    pub(super) fn is_rejection(&self) -> bool {
        let is_rejected = |code: &SqlState| matches!(code.code().get(..2), Some("28" | "3D"));
        self.is_refused_by_client || self.code.as_ref().is_some_and(is_rejected)
    }

    /// Returns `true` if the connection has ended.
    pub(super) fn is_disconnection(&self) -> bool {
        self.kind == ErrorKind::Connection && self.leaves_commit_unknown
    }

    /// Returns `true` if the role lacks the privilege for this.
    pub(super) fn is_denied(&self) -> bool {
        self.code == Some(SqlState::INSUFFICIENT_PRIVILEGE)
    }
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(cause) => Self {
                kind: kind_of(cause),
                code: Some(cause.code().clone()),
                leaves_commit_unknown: is_fatal(cause)
                    || cause.code() == &SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
                is_refused_by_client: false,
                message: message_of(cause),
            },
            None => {
                let kind = kind_on_client(&error);
                let leaves_commit_unknown = kind == ErrorKind::Connection;
                Self {
                    kind,
                    code: None,
                    leaves_commit_unknown,
                    is_refused_by_client: is_refusal(&error),
                    message: chain(&error),
                }
            }
        }
    }
}

impl From<PoolError> for DatabaseError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(TimeoutType::Wait) => {
                Self::new(ErrorKind::Unavailable, "timed out waiting for a free connection")
            }
            PoolError::Timeout(_) => {
                Self::new(ErrorKind::Unavailable, "timed out connecting to the server")
            }
            error => Self::new(ErrorKind::Unavailable, &chain(&error)),
        }
    }
}

impl From<DatabaseError> for StoreError {
    fn from(error: DatabaseError) -> Self {
        match error.kind {
            ErrorKind::Conflict
            | ErrorKind::Stale
            | ErrorKind::Connection
            | ErrorKind::NoAnswer
            | ErrorKind::Unavailable => Self::Unavailable(error.into()),
            ErrorKind::Duplicate | ErrorKind::Defect => Self::Defect(error.into()),
        }
    }
}

fn kind_of(error: &DbError) -> ErrorKind {
    if is_fatal(error) {
        // Invalid credentials and a missing database are fatal too, but a new connection would not
        // help.
        return match error.code().code().get(..2) {
            Some("28" | "3D" | "53") => ErrorKind::Unavailable,
            _ => ErrorKind::Connection,
        };
    }
    match error.code() {
        &SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED => {
            ErrorKind::Conflict
        }
        &SqlState::UNIQUE_VIOLATION => ErrorKind::Duplicate,
        // The server is a standby, for example a former primary. Or its schema has changed, so that
        // it rejects the prepared statements of this connection.
        &SqlState::READ_ONLY_SQL_TRANSACTION
        | &SqlState::FEATURE_NOT_SUPPORTED
        | &SqlState::INVALID_SQL_STATEMENT_NAME => ErrorKind::Connection,
        &SqlState::INSUFFICIENT_PRIVILEGE => ErrorKind::Unavailable,
        code => match code.code().get(..2) {
            Some("08") => ErrorKind::Connection,
            Some("40" | "53" | "55" | "57" | "58") => ErrorKind::Unavailable,
            _ => ErrorKind::Defect,
        },
    }
}

fn is_fatal(error: &DbError) -> bool {
    matches!(error.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
}

/// Returns the kind of an error that does not come from the server.
fn kind_on_client(error: &tokio_postgres::Error) -> ErrorKind {
    let is_conversion = error.source().is_some_and(|source| {
        source.is::<tokio_postgres::types::WasNull>()
            || source.is::<tokio_postgres::types::WrongType>()
    });
    if is_conversion { ErrorKind::Defect } else { ErrorKind::Connection }
}

/// Returns `true` if the client ends the attempt to connect, because the URL has no password or the
/// server's authentication is not accepted. tokio-postgres shows this only in the text.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    matches!(&*error.to_string(), "invalid configuration" | "authentication error")
}

fn message_of(error: &DbError) -> String {
    format!("{} (SQLSTATE {})", error.message(), error.code().code())
}

/// Returns the messages of an error and of its causes.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        message = format!("{message}: {error}");
        cause = error.source();
    }
    message
}
