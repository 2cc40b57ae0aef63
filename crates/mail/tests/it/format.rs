use accounts::{MailTransport as _, OutgoingMail};
use test_smtp::{ServerConfig, SmtpServer};

use crate::support::{local, mail};

/// Returns a mail as the relay receives it.
async fn received(mail: &OutgoingMail) -> String {
    let server = SmtpServer::start(ServerConfig::default()).await;
    local(server.port()).send(mail).await.unwrap();
    server.mails()[0].content.clone()
}

#[tokio::test]
async fn a_mail_has_its_headers_and_an_unchanged_text() {
    let mail = mail();
    let content = received(&mail).await;
    let (headers, text) = content.split_once("\r\n\r\n").unwrap();
    let headers: Vec<_> = headers.split("\r\n").collect();
    let id = format!("Message-ID: <{}@example.com>", mail.id);
    for header in [
        "From: Example <no-reply@example.com>",
        "To: ada@example.org",
        "Subject: Confirm your e-mail address",
        "Date: Fri, 02 Jan 2026 03:04:05 +0000",
        "Auto-Submitted: auto-generated",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 7bit",
        &id,
    ] {
        let count = headers.iter().filter(|it| it.eq_ignore_ascii_case(header)).count();
        assert_eq!(count, 1, "{header}: {headers:?}");
    }
    assert_eq!(text.replace("\r\n", "\n").trim_end(), mail.text.trim_end());
}

#[tokio::test]
async fn names_and_subjects_cannot_add_headers() {
    for evil in ["A\r\nBcc: eve@example.org", "A\nBcc: eve@example.org", "A\r\n\r\nBcc: text"] {
        for mail in [
            OutgoingMail { from_name: evil.to_owned(), ..mail() },
            OutgoingMail { subject: evil.to_owned(), ..mail() },
        ] {
            let content = received(&mail).await;
            assert!(!content.lines().any(|line| line.starts_with("Bcc")), "{content}");
        }
    }
}

#[tokio::test]
async fn all_lines_are_short_and_in_ascii() {
    let mail = OutgoingMail {
        from_name: "Bücher und mehr ".repeat(8),
        subject: "Bestätigen Sie Ihre Adresse ".repeat(8),
        text: format!("Größe\n{}\n{}\n", "word ".repeat(40), "x".repeat(2000)),
        ..mail()
    };
    let content = received(&mail).await;
    assert!(content.is_ascii(), "{content}");
    assert!(content.lines().all(|line| line.len() <= 76), "{content}");
    assert!(content.contains("Gr=C3=B6=C3=9Fe"), "{content}");
}

#[tokio::test]
async fn a_long_link_stays_whole() {
    let link = format!("https://example.com/reset#token={}", "A".repeat(100));
    let mail = OutgoingMail { text: format!("Open this link:\n\n{link}\n"), ..mail() };
    assert!(received(&mail).await.lines().any(|line| line == link));
}
