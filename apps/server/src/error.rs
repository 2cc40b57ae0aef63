use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use accounts::{
    BuildError, OperatorError, ServiceError, SignUpError, SigningKeyError, StoreError, error_chain,
};
use mail::OpenMailFolderError;
use user_store::{BackupError, CopyError, OpenError, PostgresOpenError};

use crate::output::count;

/// An error from a command. Each message says what is wrong and, if the operator can fix it, how.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    /// The command line or an environment variable is invalid.
    #[error("{0}")]
    Usage(String),
    /// Another program listens on the server's address.
    #[error(
        "address {0} is already in use; stop the program that listens on it, or choose another port with --listen"
    )]
    PortInUse(SocketAddr),
    /// The server cannot listen on its address.
    #[error("cannot listen on {0}: {1}; choose another address with --listen")]
    Listen(SocketAddr, io::Error),
    /// The database does not exist.
    #[error("database {} does not exist; give the path of the server's database with --database", .0.display())]
    NoDatabase(PathBuf),
    /// The database cannot be opened.
    #[error(transparent)]
    Open(OpenError),
    /// The PostgreSQL database cannot be opened.
    #[error(transparent)]
    OpenPostgres(PostgresOpenError),
    /// The file that names the database cannot be read.
    #[error("cannot read the database file {}: {error}; check the path and the permissions", path.display())]
    DatabaseFile { path: PathBuf, error: io::Error },
    /// The file with the password of the relay cannot be read.
    #[error("cannot read the SMTP password file {}: {error}; check the path and the permissions", path.display())]
    SmtpPasswordFile { path: PathBuf, error: io::Error },
    /// The folder for mails cannot be used.
    #[error("--mail-dir: {}", error_chain(.0))]
    MailFolder(OpenMailFolderError),
    /// The accounts service did not start.
    #[error("cannot start: {}", error_chain(.0))]
    Start(BuildError),
    /// A system call failed at startup.
    #[error("cannot start: {0}")]
    System(io::Error),
    /// The store is unavailable.
    #[error("{0}; try again later")]
    Unavailable(String),
    /// The database contains invalid data, or this program has a bug.
    #[error(
        "internal error: {0}; report this as a bug, or restore a backup if the database was edited"
    )]
    Defect(String),
    /// No account has this email address or id.
    #[error("no account has the email address or id {0:?}; see latchkey users list")]
    NoSuchUser(String),
    /// No mail has this id.
    #[error("no unsent mail has the id {0:?}; see latchkey mail list")]
    NoSuchMail(String),
    /// The mail cannot be sent again.
    #[error(
        "mail {0} was rejected for good, and its content is deleted; the user has to request a new mail"
    )]
    MailRejected(String),
    /// A test mail was not sent.
    #[error("the test mail was not sent: {0}; check the options with latchkey doctor")]
    TestMail(String),
    /// No account has this email address, and it is not an id either.
    #[error("no account has the email address {0:?}; for a deleted account, use its id")]
    NoSuchEmail(String),
    /// The email address belongs to another account.
    #[error("an account with this email address already exists; see latchkey users show")]
    EmailTaken,
    /// The input is invalid or cannot be read.
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
        "{invalid} of {total} records cannot be imported, so nothing was imported; fix them in the file, or skip them with --skip-invalid"
    )]
    NotImported { invalid: usize, total: usize },
    /// An import with a map of the ids failed, possibly after the accounts were imported.
    #[error(
        "it is unknown whether the accounts were imported: {error}; the map of their ids is in {}: if latchkey users show finds one of these ids, all accounts were imported; otherwise import again, and then delete the file", map.display()
    )]
    ImportUnknown { error: String, map: PathBuf },
    /// A file cannot be written.
    #[error("cannot write {}: {error}; check that the folder exists and is writable, and that the disk has room", path.display())]
    WriteFile { path: PathBuf, error: io::Error },
    /// The output file already exists.
    #[error("cannot write {}: the file already exists; use another path", .0.display())]
    FileExists(PathBuf),
    /// `latchkey backup` does not copy PostgreSQL databases.
    #[error(
        "latchkey backup copies SQLite files only; back up a PostgreSQL database with its own tools, for example {0}, or continuous archiving, which can restore any point in time"
    )]
    BackupOfPostgres(String),
    /// The copy to another database failed.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The backup failed.
    #[error(transparent)]
    Backup(BackupError),
    /// No signing key has this id.
    #[error("no signing key has the id {0:?}; see latchkey keys list")]
    NoSuchKey(String),
    /// The key that signs cannot be retired without a newer one.
    #[error(
        "{0} signs new tokens and there is no newer key; create one first, with latchkey keys rotate"
    )]
    KeySigns(String),
    /// Checks of `doctor` failed.
    #[error("{} failed; see the report on stdout", count(*.0, "check"))]
    ChecksFailed(usize),
    /// Stdout was closed before all accounts were exported to it, or cannot be written. The part
    /// that was printed looks like a complete export.
    #[error(
        "the export is incomplete, because it could not be printed: {0}; export again, to a file with --output, or to a program that reads everything"
    )]
    ExportIncomplete(io::Error),
    /// The output could not be printed. Nothing was changed.
    #[error("cannot print the result: {0}")]
    Print(io::Error),
    /// A change was made, but not recorded in the audit log.
    #[error("done, but the audit event was not recorded: {0}")]
    DoneNotRecorded(String),
    /// Data was deleted, but remains in the write-ahead log for now.
    #[error(
        "done, but the deleted data is still in the write-ahead log: {0}; a running server erases it within a minute once the database can be written"
    )]
    DoneNotErased(String),
    /// Users were imported, but the map of their ids could not be renamed, or not synced to disk.
    #[error(
        "done, but the map of the ids could not be saved completely: {error}; it is in {}: copy it to a safe place",
        map.display()
    )]
    DoneMapNotSaved { map: PathBuf, error: io::Error },
    /// An invitation was created, but its link could not be printed. It is stored nowhere.
    #[error(
        "done, but the link could not be printed: {0}; it cannot be shown again, and an earlier link no longer works, so run the command again for a new one"
    )]
    DoneLinkNotPrinted(io::Error),
    /// Users were imported and records were skipped, but the report could not be printed.
    #[error(
        "done, but the report could not be printed: {error}; {} could not be imported: to list what was skipped, run the command again with --dry-run, which lists the imported accounts too",
        count(*skipped, "record")
    )]
    DoneReportNotPrinted { skipped: usize, error: io::Error },
    /// A change was made, but the result could not be printed.
    #[error("done, but the result could not be printed: {0}")]
    DoneNotPrinted(io::Error),
}

/// The maximum length of a quoted email address or user id, in characters. No valid one is longer.
const MAX_USER_NAME: usize = 254;
/// The maximum length of a quoted key id, in characters. No valid one is longer.
const MAX_KID: usize = 64;
/// The maximum length of a quoted mail id, in characters. No valid one is longer.
const MAX_MAIL_ID: usize = 64;

impl CommandError {
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// Returns whether the error means that the database does not exist, or has no tables.
    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::NoDatabase(_) | Self::OpenPostgres(PostgresOpenError::NoSchema(_)))
    }

    /// Returns whether the error only means that the reader of stdout has closed it, and that the
    /// command has done what was asked. An incomplete export, and output that exists only once, are
    /// errors even then.
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

    pub(crate) fn no_such_mail(id: &str) -> Self {
        Self::NoSuchMail(shorten(id, MAX_MAIL_ID))
    }

    pub(crate) fn no_such_email(name: &str) -> Self {
        Self::NoSuchEmail(shorten(name, MAX_USER_NAME))
    }

    /// Converts an error about the account with the email address or id `name`.
    pub(crate) fn from_operator(error: OperatorError, name: &str) -> Self {
        match error {
            OperatorError::NoSuchUser => Self::no_such_user(name),
            OperatorError::TooManyRoles(error) => Self::Invalid(error.to_string()),
            OperatorError::Invalid(error) => Self::Invalid(error.to_string()),
            OperatorError::Service(error) => error.into(),
        }
    }

    /// Converts an error about the signing key with the id `kid`.
    pub(crate) fn from_signing_key(error: SigningKeyError, kid: &str) -> Self {
        match error {
            SigningKeyError::NoSuchKey => Self::NoSuchKey(shorten(kid, MAX_KID)),
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

impl From<PostgresOpenError> for CommandError {
    fn from(error: PostgresOpenError) -> Self {
        Self::OpenPostgres(error)
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
            BuildError::Store(error) => error.into(),
            other => Self::Start(other),
        }
    }
}

impl From<ServiceError> for CommandError {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Hashing(error) => Self::Unavailable(error.to_string()),
            ServiceError::Store(error) => error.into(),
            ServiceError::OutboxFull
            | ServiceError::BeforeSignUp(_)
            | ServiceError::TokenClaims => Self::Unavailable(error.to_string()),
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
            // Unreachable: these concern only visitors.
            error @ (SignUpError::Disabled
            | SignUpError::InvitationInvalid
            | SignUpError::Refused { .. }
            | SignUpError::TooManyAttempts { .. }) => Self::Invalid(error.to_string()),
        }
    }
}
