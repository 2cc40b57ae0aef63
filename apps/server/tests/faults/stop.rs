//! SIGTERM under load.

use crate::load::{acknowledgments, use_until_signal};
use crate::start::{check_file, database, rounds, start};

#[test]
fn a_stop_under_load_loses_no_acknowledged_change_and_leaves_one_file() {
    for round in 0..rounds(3) {
        let folder = tempfile::tempdir().unwrap();
        let mut server = start(&folder);
        let name = format!("round-{round}");
        let mut users = use_until_signal(&server, &name, acknowledgments(round), "TERM");
        assert_eq!(server.wait(), Some(0));
        assert!(!server.log().contains("cut off"), "{}", server.log());
        assert!(!server.log().contains("ERROR"), "{}", server.log());
        let others = ["latchkey.db-wal", "latchkey.db-shm"].map(|name| folder.path().join(name));
        assert!(database(&folder).exists() && !others.iter().any(|file| file.exists()));
        check_file(&folder);
        let server = start(&folder);
        for user in &mut users {
            user.check(&server);
        }
    }
}
