use std::io::{self, Write as _};

use accounts::{Accounts, MailRecord};
use serde_json::{Value, json};

use crate::args::StoreArgs;
use crate::error::CommandError;
use crate::operator;
use crate::output::{OutputFormat, print_inline, print_lines};

/// The number of mails to read at a time.
const PAGE_SIZE: u32 = 500;

/// Runs `latchkey mail list`.
pub(super) async fn run(store: &StoreArgs) -> Result<(), CommandError> {
    let accounts = operator::open(store).await?;
    match store.format() {
        OutputFormat::Text => for_each_mail(&accounts, print_text).await,
        OutputFormat::Json => {
            // One JSON array, printed while the mails are read.
            let mut separator = "[";
            for_each_mail(&accounts, |mail| {
                let mut out = io::stdout().lock();
                write!(out, "{separator}\n  ")?;
                separator = ",";
                print_inline(&mut out, &mail_json(mail).to_string())
            })
            .await?;
            let end = if separator == "[" { "[]" } else { "\n]" };
            writeln!(io::stdout(), "{end}").map_err(CommandError::Print)
        }
    }
}

async fn for_each_mail(
    accounts: &Accounts,
    mut print: impl FnMut(&MailRecord) -> io::Result<()>,
) -> Result<(), CommandError> {
    let mut last = None;
    loop {
        let page = accounts.operator().mails(last, PAGE_SIZE).await?;
        let Some(mail) = page.last() else {
            return Ok(());
        };
        last = Some(mail.id);
        page.iter().try_for_each(&mut print).map_err(CommandError::Print)?;
    }
}

fn print_text(mail: &MailRecord) -> io::Result<()> {
    print_lines(&mut io::stdout().lock(), &mail_text(mail))
}

fn mail_text(mail: &MailRecord) -> String {
    let MailRecord { id, created_at, kind, recipient, attempts, .. } = mail;
    let state = match (mail.failed_at, mail.next_attempt_at) {
        (Some(at), _) => format!("failed {at:.0}"),
        (None, Some(at)) => format!("next attempt {at:.0}"),
        (None, None) => "failed".to_owned(),
    };
    let reason = match &mail.reason {
        Some(reason) => format!(": {reason}"),
        None => String::new(),
    };
    format!("{id}  {created_at:.0}  {kind}  {recipient}  attempts {attempts}, {state}{reason}")
}

fn mail_json(mail: &MailRecord) -> Value {
    json!({
        "id": mail.id.to_string(),
        "kind": mail.kind,
        "recipient": mail.recipient,
        "user": mail.user.map(|user| user.to_string()),
        "created_at": mail.created_at.to_string(),
        "expires_at": mail.expires_at.to_string(),
        "attempts": mail.attempts,
        "next_attempt_at": mail.next_attempt_at.map(|at| at.to_string()),
        "failed_at": mail.failed_at.map(|at| at.to_string()),
        "reason": mail.reason,
    })
}
