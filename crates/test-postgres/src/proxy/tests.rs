use std::future::Future;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::time::timeout;

use super::messages::{ClientMessages, Message, ends_transaction};
use super::*;

const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0Z\0\0\0\x05I";

fn startup() -> Vec<u8> {
    [&8_u32.to_be_bytes()[..], &196_608_u32.to_be_bytes()].concat()
}

/// Builds a message of a client.
fn message(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len() + 4).unwrap();
    [&[kind][..], &length.to_be_bytes(), content].concat()
}

fn query(sql: &str) -> Vec<u8> {
    message(b'Q', format!("{sql}\0").as_bytes())
}

/// Classifies the messages of a client after its startup message.
fn classify(bytes: &[u8]) -> Vec<Message> {
    let mut messages = ClientMessages::default();
    let (mut rest, mut found) = (bytes, Vec::new());
    messages.next(&startup()).unwrap();
    while let Some((length, message)) = messages.next(rest) {
        found.push(message);
        rest = &rest[length..];
    }
    assert!(rest.is_empty());
    found
}

#[test]
fn a_commit_is_found_alone_and_after_other_statements() {
    for sql in ["COMMIT", "commit;", "END", "UPDATE a SET b = 1; COMMIT", "\n COMMIT AND CHAIN"] {
        assert_eq!(classify(&query(sql)), [Message::Commit], "{sql}");
    }
    for sql in ["SELECT 'commit'", "SELECT commit FROM a", "COMMITTED", "BEGIN", ""] {
        assert_eq!(classify(&query(sql)), [Message::Other], "{sql}");
    }
    let together = [query("INSERT"), query("COMMIT")].concat();
    assert_eq!(classify(&together), [Message::Other, Message::Commit]);
}

#[test]
fn a_prepared_commit_is_found_when_it_is_executed() {
    let parse = |name: &str, sql: &str| message(b'P', format!("{name}\0{sql}\0\0\0").as_bytes());
    let bind = |portal: &str, name: &str| {
        message(b'B', format!("{portal}\0{name}\0\0\0\0\0\0\0").as_bytes())
    };
    let execute = |portal: &str| message(b'E', format!("{portal}\0\0\0\0\0").as_bytes());
    let other = Message::Other;
    let prepared = [parse("c", "COMMIT"), bind("", "c"), execute("")].concat();
    assert_eq!(classify(&prepared), [other, other, Message::Commit]);
    // The unnamed statement and the unnamed portal are replaced.
    let replaced = [
        parse("", "COMMIT"),
        parse("c", "COMMIT"),
        bind("", "c"),
        parse("", "SELECT 1"),
        bind("", ""),
        execute(""),
    ];
    assert_eq!(classify(&replaced.concat()), [other; 6]);
}

#[test]
fn an_incomplete_message_is_not_parsed() {
    let mut messages = ClientMessages::default();
    let startup = startup();
    for length in 0..startup.len() {
        assert_eq!(messages.next(&startup[..length]), None);
    }
    assert_eq!(messages.next(&startup), Some((8, Message::Other)));
    let query = query("COMMIT");
    for length in 0..query.len() {
        assert_eq!(messages.next(&query[..length]), None);
    }
    assert_eq!(messages.next(&query), Some((query.len(), Message::Commit)));
}

#[test]
fn a_request_for_encryption_can_precede_the_startup_message() {
    let mut messages = ClientMessages::default();
    let request = [8_u32.to_be_bytes(), 80_877_103_u32.to_be_bytes()].concat();
    assert_eq!(messages.next(&request), Some((8, Message::EncryptionRequest)));
    assert_eq!(messages.next(&startup()), Some((8, Message::Other)));
}

#[test]
fn the_answer_to_a_commit_is_found() {
    assert!(ends_transaction(COMMITTED));
    assert!(ends_transaction(b"Z\0\0\0\x05IC\0\0\0\x0dROLLBACK\0"));
    assert!(!ends_transaction(b"C\0\0\0\x0dINSERT 0 1\0"));
}

/// Runs a test against a server that answers everything after the startup message with
/// `COMMITTED`. The future receives the proxy, and the number of bytes that arrived at the server.
fn run<F: Future>(test: impl FnOnce(Proxy, Arc<AtomicUsize>) -> F) {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let received = Arc::new(AtomicUsize::new(0));
        let port = start_server(COMMITTED, &received).await;
        let proxy = Proxy::to(port).await;
        timeout(Duration::from_secs(60), test(proxy, received)).await.unwrap();
    });
}

async fn start_server(answer: &'static [u8], received: &Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::clone(received);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let received = Arc::clone(&received);
            tokio::spawn(async move {
                let mut buffer = [0; 1_000];
                while let Ok(length @ 1..) = client.read(&mut buffer).await {
                    received.fetch_add(length, Ordering::Relaxed);
                    let _ = client.write_all(answer).await;
                }
            });
        }
    });
    port
}

async fn connect(proxy: &Proxy) -> TcpStream {
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
    exchange(&mut client, &startup()).await.unwrap();
    client
}

/// Sends a message and waits for the answer.
async fn exchange(client: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    client.write_all(message).await?;
    client.read_exact(&mut [0; COMMITTED.len()]).await?;
    Ok(())
}

#[test]
fn messages_that_are_sent_together_are_one_round_trip() {
    run(async |proxy, _| {
        let mut client = connect(&proxy).await;
        assert_eq!(proxy.round_trips(), 1);
        exchange(&mut client, &query("BEGIN")).await.unwrap();
        let together = [query("INSERT"), query("COMMIT")].concat();
        exchange(&mut client, &together).await.unwrap();
        assert_eq!(proxy.round_trips(), 3);
    });
}

#[test]
fn a_swallowed_commit_does_not_arrive() {
    run(async |proxy, received| {
        let mut client = connect(&proxy).await;
        proxy.set(Fault::SwallowCommit);
        exchange(&mut client, &query("BEGIN")).await.unwrap();
        let before = received.load(Ordering::Relaxed);
        assert!(exchange(&mut client, &query("COMMIT")).await.is_err());
        assert_eq!(proxy.swallowed_commits(), 1);
        assert_eq!(received.load(Ordering::Relaxed), before);
        proxy.set(Fault::None);
        exchange(&mut connect(&proxy).await, &query("COMMIT")).await.unwrap();
    });
}

#[test]
fn a_commit_arrives_if_only_its_answer_is_swallowed() {
    run(async |proxy, received| {
        let mut client = connect(&proxy).await;
        proxy.set(Fault::SwallowCommitReply);
        exchange(&mut client, &query("BEGIN")).await.unwrap();
        let before = received.load(Ordering::Relaxed);
        assert!(exchange(&mut client, &query("COMMIT")).await.is_err());
        assert_eq!(proxy.swallowed_commits(), 1);
        assert_eq!(received.load(Ordering::Relaxed), before + query("COMMIT").len());
    });
}

#[test]
fn a_black_hole_holds_everything_back_until_it_ends() {
    run(async |proxy, received| {
        let mut client = connect(&proxy).await;
        let before = received.load(Ordering::Relaxed);
        proxy.set(Fault::BlackHole);
        let begin = query("BEGIN");
        let blocked = timeout(Duration::from_millis(200), exchange(&mut client, &begin));
        assert!(blocked.await.is_err());
        let new = timeout(Duration::from_millis(200), connect(&proxy));
        assert!(new.await.is_err());
        assert_eq!(received.load(Ordering::Relaxed), before);
        proxy.set(Fault::None);
        client.read_exact(&mut [0; COMMITTED.len()]).await.unwrap();
        connect(&proxy).await;
    });
}

#[test]
fn a_reset_ends_open_and_new_connections() {
    run(async |proxy, _| {
        let mut client = connect(&proxy).await;
        proxy.set(Fault::Reset);
        let error = client.read_exact(&mut [0; 1]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut new = TcpStream::connect((Ipv4Addr::LOCALHOST, proxy.port())).await.unwrap();
        assert!(exchange(&mut new, &startup()).await.is_err());
        proxy.set(Fault::None);
        connect(&proxy).await;
    });
}

#[test]
fn a_delay_makes_a_round_trip_take_at_least_as_long() {
    run(async |proxy, _| {
        let mut client = connect(&proxy).await;
        let delay = Duration::from_millis(100);
        proxy.set(Fault::Delay(delay));
        let early = timeout(delay / 2, exchange(&mut client, &query("BEGIN"))).await;
        assert!(early.is_err());
        client.read_exact(&mut [0; COMMITTED.len()]).await.unwrap();
    });
}

#[test]
fn only_new_connections_go_to_a_new_target() {
    run(async |proxy, received| {
        let mut old = connect(&proxy).await;
        let at_other = Arc::new(AtomicUsize::new(0));
        proxy.retarget(start_server(COMMITTED, &at_other).await);
        exchange(&mut old, &query("BEGIN")).await.unwrap();
        assert_eq!(at_other.load(Ordering::Relaxed), 0);
        let before = received.load(Ordering::Relaxed);
        connect(&proxy).await;
        assert_eq!(at_other.load(Ordering::Relaxed), startup().len());
        assert_eq!(received.load(Ordering::Relaxed), before);
    });
}

#[test]
fn a_dropped_proxy_closes_its_connections() {
    run(async |proxy, _| {
        let mut client = connect(&proxy).await;
        drop(proxy);
        assert!(client.read_exact(&mut [0; 1]).await.is_err());
    });
}
