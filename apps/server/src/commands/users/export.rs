//! `latchkey users export`: writes all accounts in a format that other systems can read.
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use accounts::{Accounts, MetadataValue, StoredUser, User};
use clap::{Args, ValueEnum};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;

/// The number of accounts to read at a time.
const PAGE_SIZE: u32 = 500;

/// The number of accounts whose second factors are read at the same time.
const CONCURRENT_READS: usize = 8;

/// The name prefix of an incomplete output file.
const UNFINISHED: &str = ".unfinished-export-";

/// The columns of the CSV format.
const COLUMNS: [&str; 10] = [
    "id",
    "email",
    "created_at",
    "disabled_at",
    "email_verified_at",
    "second_factor",
    "roles",
    "metadata_public",
    "metadata_private",
    "password_hash",
];

/// The arguments of `latchkey users export`.
#[derive(Args)]
pub(super) struct ExportArgs {
    /// Format of the output
    #[arg(long, value_enum, default_value = "jsonl")]
    format: ExportFormat,

    /// Write to a new file instead of stdout; the file must not exist
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExportFormat {
    /// Column names in the first row, then one account per row
    Csv,
    /// One JSON object per line
    Jsonl,
}

impl ExportArgs {
    pub(super) async fn run(self, store: &StoreArgs) -> Result<(), CommandError> {
        let accounts = operator::open(store).await?;
        // Recorded first, because an interrupted export has already printed part of the data.
        accounts.operator().record_export().await?;
        match &self.output {
            Some(path) => export_to_file(&accounts, self.format, path).await,
            None => {
                let out = BufWriter::new(io::stdout().lock());
                export(&accounts, self.format, out, CommandError::ExportIncomplete).await
            }
        }
    }
}

/// Exports to a file that only its owner can read. The file gets its name when it is complete and
/// synced to disk.
async fn export_to_file(
    accounts: &Accounts,
    format: ExportFormat,
    path: &Path,
) -> Result<(), CommandError> {
    let failed = |error| CommandError::WriteFile { path: path.to_owned(), error };
    if path.symlink_metadata().is_ok() {
        return Err(CommandError::FileExists(path.to_owned()));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(folder).map_err(failed)?;
    export(accounts, format, BufWriter::new(file.as_file()), failed).await?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path).map_err(|error| failed(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

async fn export(
    accounts: &Accounts,
    format: ExportFormat,
    out: impl Write,
    failed: impl Fn(io::Error) -> CommandError,
) -> Result<(), CommandError> {
    let mut rows = Rows::new(format, out).map_err(&failed)?;
    let mut last = None;
    loop {
        let page = accounts.operator().export(last, PAGE_SIZE).await?;
        let Some(stored) = page.last() else {
            return rows.finish().map_err(&failed);
        };
        last = Some(stored.user.id);
        let factors = stream::iter(&page).map(|stored| second_factor(accounts, &stored.user));
        let factors: Vec<_> = factors.buffered(CONCURRENT_READS).try_collect().await?;
        for (stored, second_factor) in page.iter().zip(&factors) {
            rows.write(stored, second_factor.as_deref()).map_err(&failed)?;
        }
    }
}

/// Returns the names of the second factors of a user, without their secrets, or `None` if there are
/// none. Passkeys are also named if the second factor is off, because an import loses them too.
async fn second_factor(accounts: &Accounts, user: &User) -> Result<Option<String>, CommandError> {
    let factors = accounts.operator().factors(user.id).await?;
    let mut names = Vec::new();
    if factors.totp.is_some() {
        names.push("totp");
    }
    if !factors.passkeys.is_empty() {
        names.push("passkey");
    }
    Ok(if names.is_empty() { None } else { Some(names.join(" ")) })
}

/// A writer of accounts, one per line.
enum Rows<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

impl<W: Write> Rows<W> {
    fn new(format: ExportFormat, out: W) -> io::Result<Self> {
        match format {
            ExportFormat::Jsonl => Ok(Self::Jsonl(out)),
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(COLUMNS).map_err(io_error)?;
                Ok(Self::Csv(Box::new(writer)))
            }
        }
    }

    fn write(&mut self, stored: &StoredUser, second_factor: Option<&str>) -> io::Result<()> {
        let StoredUser { user, password_hash, metadata } = stored;
        let id = user.id.to_string();
        let email = user.email.as_str();
        let created_at = user.created_at.to_string();
        let disabled_at = user.disabled_at.map(|at| at.to_string());
        let verified_at = user.email_verified_at.map(|at| at.to_string());
        let hash = password_hash.to_text();
        match self {
            Self::Csv(writer) => {
                let disabled_at = disabled_at.as_deref().unwrap_or_default();
                let verified_at = verified_at.as_deref().unwrap_or_default();
                let second_factor = second_factor.unwrap_or_default();
                let json = |value: &Option<MetadataValue>| {
                    value.as_ref().map_or_else(String::new, |value| value.as_json().to_owned())
                };
                let (public, private) = (json(&metadata.public), json(&metadata.private));
                let row = [
                    &*id,
                    email,
                    &*created_at,
                    disabled_at,
                    verified_at,
                    second_factor,
                    user.roles.as_str(),
                    &*public,
                    &*private,
                    &*hash,
                ];
                writer.write_record(row).map_err(io_error)
            }
            Self::Jsonl(out) => {
                let value = |value: &Option<MetadataValue>| -> io::Result<Option<Value>> {
                    Ok(value.as_ref().map(MetadataValue::get).transpose()?)
                };
                let line = json!({
                    "id": id, "email": email, "created_at": created_at,
                    "disabled_at": disabled_at, "email_verified_at": verified_at,
                    "second_factor": second_factor,
                    "roles": user.roles.iter().collect::<Vec<_>>(),
                    "metadata_public": value(&metadata.public)?,
                    "metadata_private": value(&metadata.private)?,
                    "password_hash": hash,
                });
                writeln!(out, "{line}")
            }
        }
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush(),
            Self::Jsonl(mut out) => out.flush(),
        }
    }
}

/// Returns the I/O error inside a CSV error. The conversion in `csv` would hide its kind.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
