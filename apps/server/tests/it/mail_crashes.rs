//! Mails of a server that is killed while it sends them.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use test_smtp::{Action, Command, ServerConfig};

use crate::app::{PASSWORD, STORE, TestApp};
use crate::operator::json;
use crate::relay::{FROM, Relay, wait_until};

/// The number of times that the server is killed. It waits up to a second before it sends a mail.
const ROUNDS: usize = 100;

/// The number of servers that share these rounds, each with its own database.
const SERVERS: usize = 4;

/// The same on PostgreSQL, with which the server takes longer to start.
const ROUNDS_ON_POSTGRES: usize = 20;

/// Returns the value of a header.
fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let prefix = format!("{name}: ");
    mail.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap()
}

#[test]
fn a_killed_server_loses_no_mail_and_copies_have_the_same_message_id() {
    if std::env::var_os(STORE).is_some() {
        kill_while_mails_are_sent(ROUNDS_ON_POSTGRES);
        return;
    }
    // The servers wait most of the time.
    thread::scope(|scope| {
        for _ in 0..SERVERS {
            scope.spawn(|| kill_while_mails_are_sent(ROUNDS / SERVERS));
        }
    });
}

fn kill_while_mails_are_sent(rounds: usize) {
    let relay = Relay::start(ServerConfig::default());
    let url = format!("smtp://127.0.0.1:{}", relay.port());
    let options = ["--smtp-url", &url, "--mail-from", FROM, "--throttle", "off"];
    let mut app = TestApp::with_options(&options);
    let emails: BTreeSet<_> = (0..rounds).map(|round| format!("u{round}@example.com")).collect();
    let data_commands = || relay.commands().iter().filter(|command| *command == "DATA").count();
    for (round, email) in emails.iter().enumerate() {
        let (mails, commands) = (relay.mails().len(), data_commands());
        match round % 3 {
            0 => relay.set_fault(Command::Data, Action::Silence),
            1 => relay.set_fault(Command::Content, Action::Silence),
            // The server gets the reply, and is killed before or after it deletes the mail.
            _ => relay.remove_fault(),
        }
        assert_eq!(app.sign_up(email, PASSWORD).status, 201);
        match round % 3 {
            0 => wait_until("DATA is received", || data_commands() > commands),
            _ => wait_until("the mail is received", || relay.mails().len() > mails),
        }
        app.restart();
    }
    relay.remove_fault();
    // Otherwise, the claims of the last servers that were killed would last another two minutes.
    app.sql("UPDATE mails SET claimed_until = NULL");
    let operator = app.operator();
    json(&operator.run("mail", &["retry", "--json"], ""));
    wait_until("the outbox is empty", || {
        let unsent = json(&operator.run("mail", &["list", "--json"], ""));
        unsent.as_array().unwrap().is_empty()
    });

    let mut copies: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in relay.mails() {
        let ids = copies.entry(header(&mail.content, "To").to_owned()).or_default();
        ids.push(header(&mail.content, "Message-ID").to_owned());
    }
    assert!(copies.keys().eq(&emails), "{copies:?}");
    assert!(copies.values().any(|ids| ids.len() == 2), "a reply was lost");
    for ids in copies.values() {
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}
