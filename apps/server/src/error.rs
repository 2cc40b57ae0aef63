use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use accounts::{
    BuildError, OperatorError, ServiceError, SignUpError, SigningKeyError, StoreError, error_chain,
};
use user_store::{BackupError, OpenError};

/// An error from a command. Each message says what is wrong and how to fix it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The command line or the environment is wrong.
    #[error("{0}")]
    Usage(String),
    /// The port of the server is in use.
    #[error(
        "the port of {0} is in use; stop the program that listens there, or choose another with --listen"
    )]
    PortInUse(SocketAddr),
    /// The server cannot listen on its address.
    #[error("cannot listen on {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, io::Error),
    /// There is no database to work on.
    #[error("there is no database {}; name the server's with --database", .0.display())]
    NoDatabase(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The accounts service did not start.
    #[error("cannot start: {}", error_chain(.0))]
    Start(BuildError),
    /// The system refused something that every command needs.
    #[error("cannot start: {0}")]
    System(io::Error),
    /// The store cannot do it now.
    #[error("{0}; try again later")]
    Unavailable(String),
    /// The database holds invalid data.
    #[error("the database holds invalid data: {0}; restore a backup")]
    Defect(String),
    /// No account has this name.
    #[error("no account has the email address or id {0:?}; see latchkey users list")]
    NoSuchUser(String),
    /// No account has this email address, and it is not an id either.
    #[error("no account has the email address {0:?}; for a deleted account give its id")]
    NoSuchEmail(String),
    /// The email address belongs to another account.
    #[error("an account with this email address exists; see latchkey users show")]
    EmailTaken,
    /// The input breaks a rule or cannot be read.
    #[error("{0}")]
    Invalid(String),
    /// The operator did not confirm.
    #[error("{0}; nothing was changed")]
    NotConfirmed(&'static str),
    /// A password could not be read.
    #[error("cannot read the password: {0}")]
    ReadPassword(io::Error),
    /// Some records cannot be imported.
    #[error(
        "{invalid} of {total} accounts cannot be imported, so none was; fix them, or leave them out with --skip-invalid"
    )]
    NotImported { invalid: usize, total: usize },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    WriteFile { path: PathBuf, error: io::Error },
    /// A file that would be written exists.
    #[error("cannot write {}: it exists already; give another name", .0.display())]
    FileExists(PathBuf),
    /// The backup failed.
    #[error(transparent)]
    Backup(BackupError),
    /// No signing key has this name.
    #[error("no signing key is named {0:?}; see latchkey keys list")]
    NoSuchKey(String),
    /// The key cannot be retired while it signs.
    #[error("{0} is the key that signs; create another first, with latchkey keys rotate")]
    KeySigns(String),
    /// `doctor` found something that fails.
    #[error("{0} of the checks failed, as printed")]
    ChecksFailed(usize),
    /// The output could not be printed. Nothing was changed.
    #[error("cannot print the result: {0}")]
    Print(io::Error),
    /// A change was made, but not recorded in the audit log.
    #[error("done, but the audit event was not recorded: {0}")]
    DoneNotRecorded(String),
    /// A change was made, but the result could not be printed.
    #[error("done, but the result could not be printed: {0}")]
    DoneNotPrinted(io::Error),
}

/// How much of an account's name is repeated in an error, in characters: no email address has more.
const MAX_USER_NAME: usize = 254;
/// How much of a key's name is repeated, in characters: no thumbprint has more.
const MAX_KEY_NAME: usize = 64;

impl CommandError {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Returns whether the only problem is that the reader of stdout has closed it.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        match self {
            Self::Print(error) | Self::DoneNotPrinted(error) => {
                error.kind() == io::ErrorKind::BrokenPipe
            }
            _ => false,
        }
    }

    pub(crate) fn no_such_user(name: &str) -> Self {
        Self::NoSuchUser(shorten(name, MAX_USER_NAME))
    }

    pub(crate) fn no_such_email(name: &str) -> Self {
        Self::NoSuchEmail(shorten(name, MAX_USER_NAME))
    }

    /// Converts an error about the account called `name`.
    pub(crate) fn from_operator(error: OperatorError, name: &str) -> Self {
        match error {
            OperatorError::NoSuchUser => Self::no_such_user(name),
            OperatorError::Invalid(error) => Self::Invalid(error.to_string()),
            OperatorError::Service(error) => error.into(),
        }
    }

    /// Converts an error about the signing key called `kid`.
    pub(crate) fn from_signing_key(error: SigningKeyError, kid: &str) -> Self {
        match error {
            SigningKeyError::NoSuchKey => Self::NoSuchKey(shorten(kid, MAX_KEY_NAME)),
            SigningKeyError::Signs => Self::KeySigns(kid.to_owned()),
            SigningKeyError::Key(error) => Self::Defect(error.to_string()),
            SigningKeyError::Store(error) => error.into(),
        }
    }
}

fn shorten(name: &str, max_chars: usize) -> String {
    name.chars().take(max_chars).collect()
}

impl From<OpenError> for CommandError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Absent(path) => Self::NoDatabase(path),
            other => Self::Open(other),
        }
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable(error_chain(&error)),
            StoreError::Defect(_) => Self::Defect(error_chain(&error)),
        }
    }
}

impl From<BuildError> for CommandError {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::Open(error) => error.into(),
            other => Self::Start(other),
        }
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Hashing(error) => Self::Unavailable(error.to_string()),
            ServiceError::Store(error) => error.into(),
            ServiceError::Key(error) => Self::Defect(error.to_string()),
        }
    }
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            other => Self::Backup(other),
        }
    }
}

impl From<SignUpError> for CommandError {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid { email, password } => {
                let email = email.map(|error| error.to_string());
                let password = password.map(|error| error.to_string());
                let problems: Vec<_> = email.into_iter().chain(password).collect();
                Self::Invalid(problems.join("; "))
            }
            SignUpError::EmailTaken => Self::EmailTaken,
            SignUpError::Service(error) => error.into(),
            // Only attempts with an IP address are limited.
            error @ SignUpError::TooManyAttempts { .. } => Self::Invalid(error.to_string()),
        }
    }
}
