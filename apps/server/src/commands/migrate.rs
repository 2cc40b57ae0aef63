//! `latchkey migrate`: creates or migrates the tables of the database.

use clap::Args;
use serde_json::json;
use user_store::Migrated;

use crate::args::StoreArgs;
use crate::error::CommandError;

/// The SQL that creates the roles for a PostgreSQL database.
const ROLES: &str = include_str!("migrate/roles.sql");

const HELP: &str = "\
latchkey serve does the same when it starts, if it may create tables. With PostgreSQL, run this
command as the owner of the tables, so that the servers can use a role that cannot change them. The
first server that starts creates the signing key.";

/// The arguments of `latchkey migrate`.
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct MigrateArgs {
    /// Print the SQL that creates the roles for a PostgreSQL database, and do nothing else
    #[arg(long)]
    print_roles: bool,

    #[command(flatten)]
    store: StoreArgs,
}

impl MigrateArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        if self.print_roles {
            let value = json!({"sql": ROLES});
            return self.store.format().print(ROLES, &value).map_err(CommandError::Print);
        }
        let database = self.store.database()?;
        let Migrated { from, to } = database.migrate().await?;
        let text = match from {
            0 => format!("{database}: created the tables (version {to})"),
            _ if from < to => format!("{database}: migrated from version {from} to version {to}"),
            _ => format!("{database}: already has version {to}, so nothing was changed"),
        };
        let value = json!({"database": database.to_string(), "from": from, "to": to});
        self.store.format().print(&text, &value).map_err(CommandError::DoneNotPrinted)
    }
}
