use std::time::Duration;

use accounts::{ATTEMPT_TIMEOUT, MailTransport as _, SendMailError};
use test_smtp::{Action, Command, ServerConfig, SmtpServer};

use crate::support::{local, mail};

async fn send_with(command: Command, action: Action) -> (SmtpServer, Result<(), SendMailError>) {
    let server = SmtpServer::start(ServerConfig::default()).await;
    server.set_fault(command, action);
    let result = local(server.port()).send(&mail()).await;
    (server, result)
}

#[tokio::test]
async fn an_accepted_mail_arrives_once_with_its_envelope() {
    let server = SmtpServer::start(ServerConfig::default()).await;
    local(server.port()).send(&mail()).await.unwrap();
    let mails = server.mails();
    let [received] = &mails[..] else { panic!("{mails:?}") };
    assert_eq!(received.from, "FROM:<no-reply@example.com>");
    assert_eq!(received.to, "TO:<ada@example.org>");
    assert!(received.content.contains("\r\n.\r\n"), "{}", received.content);
    assert_eq!(server.commands()[0], "EHLO example.com");
}

#[tokio::test]
async fn permanent_replies_to_a_mail_reject_it() {
    for command in [Command::Mail, Command::Rcpt, Command::Data, Command::Content] {
        for reply in ["550 5.1.1 no such user", "554-not\r\n554 here"] {
            let (server, result) = send_with(command, Action::Reply(reply)).await;
            let Err(SendMailError::Rejected(reason)) = result else {
                panic!("{command:?}: {result:?}")
            };
            assert!(reason.contains(&reply[..3]), "{reason}");
            assert!(server.mails().is_empty());
        }
    }
}

#[tokio::test]
async fn other_failures_are_tried_again() {
    let mut faults = vec![
        (Command::Connect, Action::Reply("421 too busy")),
        (Command::Connect, Action::Reply("554 go away")),
        (Command::Connect, Action::Reply("garbage")),
        (Command::Ehlo, Action::Reply("550 no")),
        (Command::Data, Action::Reply("250 what")),
        (Command::Content, Action::Reply("354 what")),
    ];
    for command in [Command::Mail, Command::Rcpt, Command::Data, Command::Content] {
        faults.push((command, Action::Reply("451 4.3.0 try again")));
        faults.push((command, Action::Reply("421 closing")));
        faults.push((command, Action::Close));
        // These concern every mail.
        faults.push((command, Action::Reply("530 5.7.0 authentication required")));
        faults.push((command, Action::Reply("534 5.7.9 mechanism too weak")));
        faults.push((command, Action::Reply("535 5.7.8 wrong user or password")));
        faults.push((command, Action::Reply("538 5.7.11 encryption required")));
    }
    for (command, action) in faults {
        let (_, result) = send_with(command, action).await;
        assert!(
            matches!(result, Err(SendMailError::Unavailable(_))),
            "{command:?} {action:?}: {result:?}"
        );
    }
}

#[tokio::test]
async fn a_refused_connection_is_tried_again() {
    let server = SmtpServer::start(ServerConfig::default()).await;
    let transport = local(server.port());
    drop(server);
    tokio::task::yield_now().await;
    assert!(matches!(transport.send(&mail()).await, Err(SendMailError::Unavailable(_))));
}

#[tokio::test]
async fn a_lost_reply_repeats_the_same_mail() {
    let server = SmtpServer::start(ServerConfig::default()).await;
    let (transport, mail) = (local(server.port()), mail());
    server.set_fault(Command::Content, Action::Close);
    assert!(matches!(transport.send(&mail).await, Err(SendMailError::Unavailable(_))));
    server.remove_fault();
    transport.send(&mail).await.unwrap();
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0], mails[1]);
}

#[tokio::test]
async fn silence_ends_before_the_time_limit_of_an_attempt() {
    for command in [Command::Connect, Command::Data, Command::Content] {
        let server = SmtpServer::start(ServerConfig::default()).await;
        server.set_fault(command, Action::Silence);
        let transport = local(server.port());
        let attempt = tokio::spawn(async move { transport.send(&mail()).await });
        server.fault_occurred().await;
        tokio::time::pause();
        tokio::time::advance(ATTEMPT_TIMEOUT - Duration::from_secs(1)).await;
        let result = attempt.await.unwrap();
        tokio::time::resume();
        let Err(SendMailError::Unavailable(reason)) = result else { panic!("{result:?}") };
        assert!(reason.contains("did not answer within 50 seconds"), "{reason}");
    }
}

#[tokio::test]
async fn a_slow_reply_is_awaited() {
    let server = SmtpServer::start(ServerConfig::default()).await;
    server.set_fault(Command::Content, Action::Delay(Duration::from_secs(40)));
    let transport = local(server.port());
    let attempt = tokio::spawn(async move { transport.send(&mail()).await });
    server.fault_occurred().await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(41)).await;
    tokio::time::resume();
    attempt.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_reply_to_quit_is_not_awaited() {
    let (server, result) = send_with(Command::Quit, Action::Silence).await;
    result.unwrap();
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test]
async fn a_reason_is_one_short_line_without_the_secret() {
    let reply = "550-5.7.1 spam:\r\n550-5.7.1 https://example.com/verify#code=K7QM-2XRD\r\n\
                 550 5.7.1 K7QM-2XRD in this \u{1b}[31m message \u{202e} was blocked";
    let long: &'static str = String::leak(format!("550 {}", "blocked ".repeat(60)));
    for reply in [reply, long] {
        let (_, result) = send_with(Command::Content, Action::Reply(reply)).await;
        let Err(SendMailError::Rejected(reason)) = result else { panic!("{result:?}") };
        assert!(!reason.contains("2XRD"), "{reason}");
        assert!(reason.contains("blocked"), "{reason}");
        assert!(reason.chars().count() <= 200, "{reason}");
        assert!(!reason.contains(|c: char| c.is_control() || c == '\u{202e}'), "{reason}");
    }
}

#[tokio::test]
async fn a_recipient_that_is_not_an_address_is_rejected_without_a_command() {
    let server = SmtpServer::start(ServerConfig::default()).await;
    for to in ["", "ada", "ada@example.org>\r\nRCPT TO:<eve@example.org", "ädä@example.org"] {
        let mail = accounts::OutgoingMail { to: to.to_owned(), ..mail() };
        let result = local(server.port()).send(&mail).await;
        assert!(matches!(result, Err(SendMailError::Rejected(_))), "{to}: {result:?}");
    }
    assert!(!server.commands().iter().any(|command| command.starts_with("MAIL")));
}
