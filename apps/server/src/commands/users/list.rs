use std::io::{self, Write as _};

use accounts::{Accounts, User};

use super::output::user_json;
use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::{OutputFormat, print_inline, print_lines};

/// The number of accounts to read at a time.
const PAGE_SIZE: u32 = 500;

/// Runs `latchkey users list`.
pub(super) async fn run(store: &StoreArgs) -> Result<(), CommandError> {
    let accounts = operator::open(store).await?;
    match store.format() {
        OutputFormat::Text => for_each_user(&accounts, print_text).await,
        OutputFormat::Json => {
            // One JSON array, printed while the accounts are read.
            let mut separator = "[";
            for_each_user(&accounts, |user| {
                let mut out = io::stdout().lock();
                write!(out, "{separator}\n  ")?;
                separator = ",";
                print_inline(&mut out, &user_json(user).to_string())
            })
            .await?;
            let end = if separator == "[" { "[]" } else { "\n]" };
            writeln!(io::stdout(), "{end}").map_err(CommandError::Print)
        }
    }
}

async fn for_each_user(
    accounts: &Accounts,
    mut print: impl FnMut(&User) -> io::Result<()>,
) -> Result<(), CommandError> {
    let mut last = None;
    loop {
        let page = accounts.operator().users(last, PAGE_SIZE).await?;
        let Some(user) = page.last() else {
            return Ok(());
        };
        last = Some(user.id);
        page.iter().try_for_each(&mut print).map_err(CommandError::Print)?;
    }
}

fn print_text(user: &User) -> io::Result<()> {
    let User { id, email, created_at, disabled_at, roles, .. } = user;
    let state = if disabled_at.is_some() { "disabled" } else { "enabled " };
    let line = format!("{id}  {created_at:.0}  {state}  {}  {roles}", email.as_str());
    print_lines(&mut io::stdout().lock(), line.trim_end())
}
