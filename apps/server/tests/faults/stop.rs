//! SIGTERM under load and with unfinished requests.

use std::io::{Read as _, Write as _};

use crate::load::{acknowledgments, use_until_signal};
use crate::start::{assert_no_errors, check_file, database, rounds, start};

#[test]
fn a_stop_under_load_loses_no_acknowledged_change_and_leaves_one_file() {
    for round in 0..rounds(3) {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start(&folder);
        let name = format!("round-{round}");
        let mut users = use_until_signal(&server, &name, acknowledgments(round), "TERM");
        assert_eq!(server.wait(), Some(0));
        assert!(!server.log().contains("cut off"), "{}", server.log());
        assert_no_errors(&server.log());
        let others = ["latchkey.db-wal", "latchkey.db-shm"].map(|name| folder.path().join(name));
        assert!(database(&folder).exists() && !others.iter().any(|file| file.exists()));
        check_file(&folder);
        let server = start(&folder);
        for user in &mut users {
            user.check(&server);
        }
    }
}

#[test]
fn a_stop_does_not_wait_for_unfinished_requests_until_the_time_limit() {
    let head = "POST /api/signup HTTP/1.1\r\nhost: x\r\n";
    let json = "content-type: application/json\r\nexpect: 100-continue\r\n";
    let length = "content-length: 99\r\n\r\n";
    let chunked = "transfer-encoding: chunked\r\n\r\n";
    for (rest, is_body) in [
        ("x-slow: ".to_owned(), false),
        (format!("{json}{length}"), true),
        (format!("{json}{chunked}"), true),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start(&folder);
        let mut unfinished = server.connect();
        write!(unfinished, "{head}{rest}").unwrap();
        if is_body {
            // The server waits for the body.
            unfinished.read_exact(&mut [0; 25]).unwrap();
            unfinished.write_all(b"5").unwrap();
        } else {
            // The server has most probably read the head before it answers a later request.
            server.log();
        }
        server.signal("TERM");
        assert_eq!(server.wait(), Some(0));
        let log = server.log();
        if is_body {
            assert!(log.contains("closed connections whose clients were too slow"), "{log}");
        }
        assert!(!log.contains("cut off"), "{log}");
    }
}
