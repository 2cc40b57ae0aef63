//! `kill -9` under load.

use crate::load::{acknowledgments, use_until_signal};
use crate::start::{assert_no_errors, check_file, rounds, start};

#[test]
fn acknowledged_changes_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    let mut all_users = Vec::new();
    for round in 0..rounds(4) {
        let name = format!("round-{round}");
        let mut users = use_until_signal(&server, &name, acknowledgments(round), "KILL");
        assert_eq!(server.wait(), None, "it was killed");
        server = start(&folder);
        check_file(&folder);
        for user in &mut users {
            user.check(&server);
        }
        all_users.extend(users);
    }
    for user in &mut all_users {
        user.check(&server);
    }
    assert_no_errors(&server.log());
}
