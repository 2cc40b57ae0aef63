//! `latchkey users export`: the way out, with everything that another system needs.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use accounts::{Accounts, StoredUser};
use serde_json::json;

use super::{PAGE, UsersError};
use crate::cli::{ExportFormat, ExportOptions};
use crate::operator::CommandError;

/// What the name of a file begins with that is being written, or was given up.
const UNFINISHED: &str = ".unfinished-export-";

pub(super) async fn run(accounts: &Accounts, options: &ExportOptions) -> Result<(), UsersError> {
    // Before it has begun: whoever breaks it off has read some of it.
    accounts.operator().record_export().await?;
    match &options.output {
        Some(path) => to_file(accounts, options.format, path).await,
        None => write(accounts, options.format, BufWriter::new(io::stdout().lock())).await,
    }
}

/// The file has its name only once it is whole and on the disk, and is its owner's alone.
async fn to_file(accounts: &Accounts, format: ExportFormat, path: &Path) -> Result<(), UsersError> {
    let refused = |error: &dyn std::fmt::Display| {
        UsersError::Invalid(format!("{} cannot be written: {error}", path.display()))
    };
    if path.symlink_metadata().is_ok() {
        return Err(refused(&"it is there already; give another name"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let file = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| refused(&error))?;
    write(accounts, format, BufWriter::new(file.as_file())).await?;
    file.as_file().sync_all().map_err(|error| refused(&error))?;
    file.persist_noclobber(path).map_err(|error| refused(&error.error))?;
    let folder = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
    folder.map_err(|error| refused(&error))
}

async fn write(
    accounts: &Accounts,
    format: ExportFormat,
    out: impl Write,
) -> Result<(), UsersError> {
    let mut rows = Rows::new(format, out).map_err(unwritten)?;
    let mut page = accounts.operator().export(None, PAGE).await?;
    while let Some(last) = page.last().map(|user| user.user.id) {
        page.iter().try_for_each(|user| rows.user(user)).map_err(unwritten)?;
        page = accounts.operator().export(Some(last), PAGE).await?;
    }
    rows.end().map_err(unwritten)
}

fn unwritten(error: io::Error) -> UsersError {
    CommandError::Unprinted(error).into()
}

/// One account a line.
enum Rows<W: Write> {
    Csv(Box<csv::Writer<W>>),
    Jsonl(W),
}

/// What a line holds, in this order.
const NAMES: [&str; 5] = ["id", "email", "created_at", "disabled_at", "password_hash"];

impl<W: Write> Rows<W> {
    fn new(format: ExportFormat, out: W) -> io::Result<Self> {
        match format {
            ExportFormat::Jsonl => Ok(Self::Jsonl(out)),
            ExportFormat::Csv => {
                let mut writer = csv::Writer::from_writer(out);
                writer.write_record(NAMES)?;
                Ok(Self::Csv(Box::new(writer)))
            }
        }
    }

    fn user(&mut self, stored: &StoredUser) -> io::Result<()> {
        let StoredUser { user, password_hash } = stored;
        let disabled_at = user.disabled_at.map(|at| at.to_string());
        let (id, created_at) = (user.id.to_string(), user.created_at.to_string());
        let (email, hash) = (user.email.as_str(), password_hash.to_text());
        match self {
            Self::Csv(writer) => {
                let disabled_at = disabled_at.as_deref().unwrap_or_default();
                writer.write_record([&*id, email, &*created_at, disabled_at, &*hash])?;
                Ok(())
            }
            Self::Jsonl(out) => {
                let line = json!({
                    "id": id, "email": email, "created_at": created_at,
                    "disabled_at": disabled_at, "password_hash": hash,
                });
                writeln!(out, "{line}")
            }
        }
    }

    fn end(self) -> io::Result<()> {
        match self {
            Self::Csv(mut writer) => writer.flush(),
            Self::Jsonl(mut out) => out.flush(),
        }
    }
}
