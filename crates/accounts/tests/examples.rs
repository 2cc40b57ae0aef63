//! Runs the examples and checks what they do.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[expect(dead_code, reason = "each test needs some parts of it")]
#[path = "support/example.rs"]
mod example;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

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
    assert!(rest[rest.len() - 2].ends_with(" has verified the email address"), "{rest:?}");
    assert_eq!(rest.last().unwrap(), "verified: true");
    assert!(app.wait().unwrap().success());
}
