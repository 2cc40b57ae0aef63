//! Runs the examples and checks what they do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[expect(dead_code, reason = "each test needs some parts of it")]
#[path = "support/example.rs"]
mod example;

use std::error::Error;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::testing::{PASSWORD, memory_store, sign_in_as};
use accounts::{
    Accounts, Caller, MailTransport, MetadataChange, MetadataKind, MetadataValue, OneTimeCode,
    OutgoingMail, RequestEmailChange, SendMailError,
};
use rusqlite::Connection;
use serde_json::json;

#[test]
fn the_mail_app_sends_mails_in_its_own_words() {
    let folder = tempfile::tempdir().unwrap();
    let mut app = Command::new(example::binary("mail"))
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("built by `cargo build --examples`");
    let mut output = BufReader::new(app.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mail: Vec<_> = output.by_ref().take(5).collect();
    let head = ["To: ada@example.com", "Subject: Welcome to Example", ""];
    assert_eq!(mail[..3], head);
    assert_eq!(mail[3..], ["Please confirm your e-mail address:", ""]);
    let link = output.next().unwrap();
    let code = link.strip_prefix("https://app.example/verify#code=").unwrap();
    writeln!(app.stdin.take().unwrap(), "{code}").unwrap();
    let rest: Vec<_> = output.collect();
    assert!(rest.contains(&"verified: true".to_owned()), "{rest:?}");
    assert!(rest.contains(&"ada@example.com was verified".to_owned()), "{rest:?}");
    assert!(app.wait().unwrap().success());
}

/// The example with a table of its own, while it runs.
struct OwnTable(Child);

impl OwnTable {
    fn start(folder: &Path) -> Self {
        let mut command = Command::new(example::binary("own_table"));
        let process = command.current_dir(folder).stdin(Stdio::piped()).spawn();
        Self(process.expect("built by `cargo build --examples`"))
    }

    /// Stops the app as a server stops.
    fn stop(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for OwnTable {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until the table of the app contains these email addresses.
async fn expect_members(folder: &Path, expected: &[&str]) {
    let mut members = Vec::new();
    for _ in 0..600 {
        if let Ok(db) = Connection::open(folder.join("notes.db"))
            && let Ok(mut select) = db.prepare("SELECT email FROM members ORDER BY email")
        {
            let rows = select.query_map([], |row| row.get::<_, String>(0)).unwrap();
            members = rows.map(Result::unwrap).collect();
            if members == expected {
                return;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    unreachable!("{members:?} instead of {expected:?}");
}

/// Keeps the mails.
#[derive(Clone, Default)]
struct Mailbox(Arc<Mutex<Vec<OutgoingMail>>>);

#[async_trait::async_trait]
impl MailTransport for Mailbox {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        self.0.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// The accounts are changed by another service on the same file, as the command line does.
#[tokio::test]
async fn the_app_with_its_own_table_keeps_it_in_step_with_the_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, mailbox) = (folder.path(), Mailbox::default());
    let command = Accounts::builder()
        .sqlite(folder.join("accounts.db"))
        .public_url("http://localhost:3000")
        .mail(mailbox.clone())
        .for_tests()
        .without_maintenance()
        .build()
        .await
        .unwrap();
    // Before the first start of the app.
    let ada = sign_in_as(&command, "ada@example.com").await;
    let app = OwnTable::start(folder);
    expect_members(folder, &["ada@example.com"]).await;
    let grace = command.operator().create("grace@example.com", PASSWORD).await.unwrap();
    expect_members(folder, &["ada@example.com", "grace@example.com"]).await;
    app.stop();

    // While the app is stopped.
    command.operator().delete(grace.id).await.unwrap();
    command.operator().create("eve@example.com", PASSWORD).await.unwrap();
    let signed_in = command.authenticate(ada.tokens.access.token.as_str()).await.unwrap();
    let caller = Caller::default();
    let new_email = "ada@new.example";
    let request = RequestEmailChange {
        signed_in: &signed_in,
        new_email,
        password: PASSWORD,
        caller: &caller,
    };
    command.request_email_change(request).await.unwrap();
    command.send_due_mails().await.unwrap();
    let mails = std::mem::take(&mut *mailbox.0.lock().unwrap());
    let mail = mails.iter().find(|mail| mail.to == new_email).unwrap();
    let code = mail.text.lines().find(|line| OneTimeCode::parse(line).is_ok()).unwrap();
    command.change_email(&signed_in, code, &caller).await.unwrap();
    let app = OwnTable::start(folder);
    expect_members(folder, &["ada@new.example", "eve@example.com"]).await;
    app.stop();
}

#[tokio::test]
async fn metadata_is_stored_with_an_account() -> Result<(), Box<dyn Error>> {
    let builder = Accounts::builder().store(memory_store()).public_url("http://localhost:3000");
    let accounts = builder.for_tests().build().await?;
    let user = accounts.operator().create("ada@example.com", PASSWORD).await?;

    let value = Some(MetadataValue::new(&json!({ "plan": "pro" }))?);
    let change = MetadataChange { user: user.id, kind: MetadataKind::Public, value };
    accounts.operator().set_metadata(&change).await?;
    let metadata = accounts.metadata(user.id).await?;

    assert_eq!(metadata.and_then(|it| it.public), change.value);
    Ok(())
}
