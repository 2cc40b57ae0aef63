//! Servers that are killed one after the other, under load, while the schema is upgraded.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Servers;
use super::balancer::Balancer;
use super::load::{LOG_INS, User, use_service};
use crate::start::start;

const USERS: usize = 200;

/// The number of clients, each of which acts as several users.
const CLIENTS: usize = 20;

/// The number of acknowledged requests between two faults.
const PAUSE: usize = 150;

/// Changes the schema as the next version may do, so that servers of this version can still use it.
const UPGRADE: &str = "
    ALTER TABLE users ADD COLUMN added bigint NOT NULL DEFAULT 1;
    ALTER TABLE sessions ADD COLUMN added bigint NOT NULL DEFAULT 1;
    ALTER TABLE counters ADD COLUMN added bigint NOT NULL DEFAULT 1;
    ALTER TABLE events ADD COLUMN added bigint NOT NULL DEFAULT 1;
    ALTER TABLE signing_key_set ADD COLUMN added bigint NOT NULL DEFAULT 1;
    UPDATE latchkey_meta SET version = version + 1";

#[test]
fn two_hundred_users_lose_nothing_while_servers_are_killed_and_the_schema_is_upgraded() {
    let mut servers = Servers::start();
    let balancer = Balancer::start(&servers.all);
    let (sender, acknowledged) = mpsc::channel();
    let wait = || {
        for _ in 0..PAUSE {
            acknowledged.recv_timeout(Duration::from_secs(120)).unwrap();
        }
    };
    let mut users: Vec<User> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (balancer, sender) = (&balancer.address, sender.clone());
                let numbers = client * USERS / CLIENTS..(client + 1) * USERS / CLIENTS;
                scope.spawn(move || use_service(balancer, numbers, &sender))
            })
            .collect();
        drop(sender);
        for number in 0..servers.all.len() {
            wait();
            servers.all[number].signal("KILL");
            assert_eq!(servers.all[number].wait(), None, "it was killed");
            // Another program may get its port.
            balancer.move_server(number, Balancer::NOWHERE);
            wait();
            if number == 1 {
                servers.database.sql(UPGRADE);
            }
            servers.all[number] = start(&servers.folder);
            balancer.move_server(number, &servers.all[number].address);
        }
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    assert_eq!(users.len(), USERS);
    assert!(users.iter().any(|user| user.unanswered > 0), "no request was disturbed");
    for user in &mut users {
        user.check(&servers.all);
    }
    check_audit_log(&servers, &users);
}

/// Checks that every change is recorded exactly once.
fn check_audit_log(servers: &Servers, users: &[User]) {
    let sql = |sql: &str| servers.database.sql(sql);
    let twice = "SELECT kind, user_id, session_id FROM events
                 WHERE kind IN ('account_created', 'signed_in', 'signed_out')
                 GROUP BY kind, user_id, session_id HAVING count(*) > 1";
    assert_eq!(sql(twice), "");
    let missing = "SELECT id FROM sessions
                   WHERE id NOT IN (SELECT session_id FROM events WHERE kind = 'signed_in')";
    assert_eq!(sql(missing), "");
    let count = |kind: &str| -> usize {
        sql(&format!("SELECT count(*) FROM events WHERE kind = '{kind}'")).parse().unwrap()
    };
    assert_eq!(sql("SELECT count(*) FROM users"), USERS.to_string());
    assert_eq!((count("account_created"), count("signed_out")), (USERS, USERS));
    let unanswered: usize = users.iter().map(|user| user.unanswered_log_ins).sum();
    let log_ins = LOG_INS * USERS..=LOG_INS * USERS + unanswered;
    assert!(log_ins.contains(&count("signed_in")), "{} {log_ins:?}", count("signed_in"));
}
