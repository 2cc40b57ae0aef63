//! `kill -9` in the midst of it.

use crate::crowd::{acknowledgments, until_signalled};
use crate::start::{check_file, rounds, start};

#[test]
fn what_was_acknowledged_survives_kill_9_again_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = start(&folder);
    let mut everybody = Vec::new();
    for round in 0..rounds(4) {
        let name = format!("round-{round}");
        let mut people = until_signalled(&server, &name, acknowledgments(round), "KILL");
        assert_eq!(server.wait(), None, "it was killed");
        server = start(&folder);
        check_file(&folder);
        for person in &mut people {
            person.check(&server);
        }
        everybody.extend(people);
    }
    for person in &mut everybody {
        person.check(&server);
    }
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
