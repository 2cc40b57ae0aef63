//! Servers that start at the same time.

use std::thread;

use super::{EMAIL, log_in, new_database, sign_up};
use crate::server::Server;
use crate::start::start;

#[test]
fn ten_servers_that_start_at_once_on_an_empty_database_share_its_keys() {
    let (folder, database) = new_database();
    let servers: Vec<Server> = thread::scope(|scope| {
        let starts: Vec<_> = (0..10).map(|_| scope.spawn(|| start(&folder))).collect();
        starts.into_iter().map(|server| server.join().unwrap()).collect()
    });
    let sets: Vec<_> =
        servers.iter().map(|server| server.get("/.well-known/jwks.json").json()).collect();
    assert_eq!(sets[0]["keys"].as_array().unwrap().len(), 1);
    assert!(sets.iter().all(|set| *set == sets[0]), "{sets:?}");
    let counts = "SELECT (SELECT count(*) FROM signing_keys),
                         (SELECT count(*) FROM decoy_state WHERE key IS NOT NULL),
                         (SELECT count(*) FROM servers)";
    assert_eq!(database.sql(counts), "1|1|10");

    sign_up(&servers[0], EMAIL);
    for server in &servers {
        assert_eq!(server.get("/readyz").status, 200);
        log_in(server).assert_active(&servers);
    }
}
