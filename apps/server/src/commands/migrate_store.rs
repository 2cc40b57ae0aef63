//! `latchkey migrate-store`: copies everything in a database to another one.

mod progress;

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use user_store::{CopyOutcome, StoreCopy, copy_store};

use crate::args::values;
use crate::database::{self, Database};
use crate::error::CommandError;
use crate::output::{OutputFormat, print_message};
use progress::Progress;

const HELP: &str = "\
Stop all servers first. This command copies users, sessions, signing keys, lockouts and the audit
log, and then compares both databases. Users stay signed in. The source is not changed. The target
must be empty. A SQLite file that does not exist is created, and so are the tables in a PostgreSQL
database. If the copy is interrupted, run the same command again to complete it. With PostgreSQL,
use the role that owns the tables, and connect to the server directly, not through a connection
pooler.";

/// The arguments of `latchkey migrate-store`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct MigrateStoreArgs {
    /// Database to copy: the path of a SQLite file, sqlite:PATH, or postgres://USER@HOST/DATABASE
    #[arg(long, value_name = "PATH|URL", value_parser = values::database, required_unless_present = "from_file", conflicts_with = "from_file")]
    from: Option<Database>,

    /// File whose first line is the value of --from; use it for a URL with a password
    #[arg(long, value_name = "PATH")]
    from_file: Option<PathBuf>,

    /// Database to copy to
    #[arg(long, value_name = "PATH|URL", value_parser = values::database, required_unless_present = "to_file", conflicts_with = "to_file")]
    to: Option<Database>,

    /// File whose first line is the value of --to; use it for a URL with a password
    #[arg(long, value_name = "PATH")]
    to_file: Option<PathBuf>,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl MigrateStoreArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let from = resolve(Options { name: "from", value: self.from, file: self.from_file })?;
        let to = resolve(Options { name: "to", value: self.to, file: self.to_file })?;
        let format = OutputFormat::from_flag(self.json);
        let progress = Progress::new(format);
        let copied = copy_store(&from.location(), &to.location(), &|at| progress.show(at)).await;
        progress.finish();
        let copied = copied?;
        let report = Report { from: &from, to: &to, copied: &copied };
        format.print(&report.text(), &report.json()).map_err(CommandError::DoneNotPrinted)
    }
}

/// The values of the two options that name a database.
struct Options {
    name: &'static str,
    value: Option<Database>,
    file: Option<PathBuf>,
}

/// Returns the database. Prints a warning if the options reveal its password.
fn resolve(options: Options) -> Result<Database, CommandError> {
    let Options { name, value, file } = options;
    match (value, file) {
        (Some(database), _) => {
            if matches!(&database, Database::Postgres(config) if config.has_password()) {
                let warning = database::visible_password(&format!("--{name}"));
                print_message(&format!("warning: {warning}"));
            }
            Ok(database)
        }
        (None, Some(path)) => read(&path),
        (None, None) => Err(CommandError::Usage(format!("--{name} is missing"))),
    }
}

fn read(path: &Path) -> Result<Database, CommandError> {
    if let Some(warning) = database::readable_by_others(path) {
        print_message(&format!("warning: {warning}"));
    }
    database::read(path)
}

/// The report of a complete copy.
struct Report<'a> {
    from: &'a Database,
    to: &'a Database,
    copied: &'a StoreCopy,
}

/// The number of digits of a checksum that the text report shows.
const SHOWN_DIGITS: usize = 16;

impl Report<'_> {
    fn text(&self) -> String {
        let Self { from, to, copied } = self;
        let mut text = format!("{:<16} {:>12}  checksum in both databases\n", "table", "rows");
        for table in &copied.tables {
            let mut checksum = table.checksum.to_string();
            checksum.truncate(SHOWN_DIGITS);
            text.push_str(&format!("{:<16} {:>12}  {checksum}\n", table.name, table.rows));
        }
        text.push_str(&match copied.outcome {
            CopyOutcome::Copied => format!("copied {from} to {to}"),
            CopyOutcome::Resumed => format!("completed the copy of {from} to {to}"),
            CopyOutcome::Restarted => format!(
                "{from} has changed since the unfinished copy, so everything was copied to {to} again"
            ),
            CopyOutcome::Unchanged => format!("{to} is already a complete copy of {from}"),
        });
        text.push_str(&format!("\nstart all servers on {to} now, and none on {from}"));
        text
    }

    fn json(&self) -> Value {
        let outcome = match self.copied.outcome {
            CopyOutcome::Copied => "copied",
            CopyOutcome::Resumed => "resumed",
            CopyOutcome::Restarted => "restarted",
            CopyOutcome::Unchanged => "unchanged",
        };
        let tables = self.copied.tables.iter().map(|table| {
            json!({"table": table.name, "rows": table.rows, "sha256": table.checksum.to_string()})
        });
        json!({
            "from": self.from.to_string(),
            "to": self.to.to_string(),
            "outcome": outcome,
            "tables": tables.collect::<Value>(),
        })
    }
}
