//! The order of rows, which must not depend on the server or on a collation.

use std::cell::Cell;
use std::collections::HashSet;

use auth_core::{DecoyKey, Email, SystemRandom, UserId};
use futures_util::future::{join, join_all};

use crate::audit::{Event, EventId, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, Server, creation, find_credentials, hash, sign_up, two_servers, user,
};
use crate::metadata::Metadata;
use crate::users::{Challenge, ImportUsersOutcome, StoredUser, User};

cases! {
    ($) order_cases in order;
    a_reader_that_follows_the_audit_log_misses_no_event_of_concurrent_writers,
    users_are_listed_by_the_bytes_of_their_ids_on_every_server,
    email_addresses_of_all_kinds_have_one_account_and_one_decoy_on_every_server,
}

const WRITERS: usize = 6;
const EVENTS_PER_WRITER: usize = 25;

async fn a_reader_that_follows_the_audit_log_misses_no_event_of_concurrent_writers(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let active_writers = Cell::new(WRITERS);
    let writers = (0..WRITERS).map(async |writer| {
        for n in 0..EVENTS_PER_WRITER {
            let store = &servers[(writer + n) % 2];
            if n % 5 == 0 {
                // A longer transaction than that of a single event.
                sign_up(store, &format!("user{n}-{writer}@example.com")).await;
            } else {
                let event = Event::by_operator(EventKind::SigningKeyRotated, NOW);
                let event = event.about_key(&format!("{writer}-{n}"));
                store.record_event(&event).await.unwrap();
            }
        }
        active_writers.set(active_writers.get() - 1);
    });
    let (_, followed) =
        join(join_all(writers), join_all(servers.iter().map(|it| follow(it, &active_writers))))
            .await;
    assert_eq!(followed[0].len(), WRITERS * EVENTS_PER_WRITER);
    assert_eq!(followed[0], followed[1], "the same order on both servers");
    let ids: HashSet<_> = followed[0].iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), followed[0].len(), "no event is returned twice");
    for writer in 0..WRITERS {
        let prefix = format!("{writer}-");
        let kids = followed[0].iter().filter_map(|(_, event)| event.kid.as_deref());
        let kids: Vec<_> = kids.filter(|kid| kid.starts_with(&prefix)).collect();
        let recorded = (0..EVENTS_PER_WRITER).filter(|n| n % 5 != 0);
        assert_eq!(kids, recorded.map(|n| format!("{writer}-{n}")).collect::<Vec<_>>());
    }
    let listed = servers[0].events(None, None, 1_000).await.unwrap();
    assert_eq!(listed, followed[0], "a later reader sees the same order");
}

/// Reads new events until all have been read. While writers are active, a page may be empty. An
/// event may also become visible a moment after its writer has finished.
async fn follow(store: &Server, active_writers: &Cell<usize>) -> Vec<(EventId, Event)> {
    let mut followed: Vec<(EventId, Event)> = Vec::new();
    let mut late_reads = 0;
    while late_reads < 1_000 && followed.len() < WRITERS * EVENTS_PER_WRITER {
        if active_writers.get() == 0 {
            late_reads += 1;
        }
        let last = followed.last().map(|(id, _)| *id);
        followed.extend(store.events(None, last, 7).await.unwrap());
    }
    followed
}

async fn users_are_listed_by_the_bytes_of_their_ids_on_every_server(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let ids = [
        [0x80; 16],
        [0x00; 16],
        [0xff; 16],
        [0x7f; 16],
        [0x01; 16],
        [0x0a; 16],
        [0xa0; 16],
        *b"aaaaaaaaaaaaaaaa",
        *b"ZZZZZZZZZZZZZZZZ",
        *b"aaaaaaaaaaaaaaa\0",
    ];
    let hash = hash();
    let mut users: Vec<User> = Vec::new();
    for (n, id) in ids.into_iter().enumerate() {
        let id = UserId::from_uuid_bytes(id);
        let new = User { id, ..user(&format!("user{n}@example.com")) };
        servers[n % 2].create_user(&new, &hash, &creation(&new), None).await.unwrap();
        users.push(new);
    }
    users.sort_by_key(|user| *user.id.as_uuid().as_bytes());
    let (mut listed, mut exported) = (Vec::<User>::new(), Vec::<StoredUser>::new());
    for page in 0..users.len() {
        let store = &servers[page % 2];
        let after = listed.last().map(|user| user.id);
        listed.extend(store.users(after, 3).await.unwrap());
        let after = exported.last().map(|stored| stored.user.id);
        exported.extend(store.export_users(after, 3).await.unwrap());
    }
    assert_eq!(listed, users);
    assert_eq!(exported.into_iter().map(|stored| stored.user).collect::<Vec<_>>(), users);
}

/// Email addresses, each in two spellings, whose order depends on a collation.
const EMAILS: [[&str; 2]; 7] = [
    ["Ada@example.com", "ada@EXAMPLE.com"],
    ["ada@bücher.example", "ADA@xn--bcher-kva.example"],
    ["ada@zürich.example", "Ada@ZÜRICH.example"],
    ["0x@example.com", "0X@example.com"],
    ["10@example.com", "10@Example.com"],
    ["a.b-c_d@example.com", "A.B-C_D@example.com"],
    ["Z@example.com", "z@example.com"],
];

async fn email_addresses_of_all_kinds_have_one_account_and_one_decoy_on_every_server(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let candidates = [(); 2].map(|()| DecoyKey::generate(&SystemRandom));
    let first = servers[0].ensure_decoy_key(&candidates[0]).await.unwrap();
    let second = servers[1].ensure_decoy_key(&candidates[1]).await.unwrap();
    let iterations = [2_000, 3_000, 5_000, 7_000];
    let import: Vec<_> = (0..100)
        .map(|n| StoredUser {
            user: user(&format!("imported{n}@example.com")),
            password_hash: format!(
                "pbkdf2:sha256:{}$AVaITkTz2eBKnxgk\
                 $e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c",
                iterations[n % iterations.len()]
            )
            .parse()
            .unwrap(),
            metadata: Metadata::default(),
        })
        .collect();
    let imported = servers[0].import_users(&import, NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    let emails = EMAILS.map(|spellings| spellings.map(|email| Email::parse(email).unwrap()));
    for [one, other] in &emails {
        let position = first.position(one.key());
        assert_eq!(second.position(other.key()), position);
        let decoy = servers[0].credentials(one.key(), &position).await.unwrap();
        assert!(matches!(decoy, Challenge::Decoy(_)));
        assert_eq!(servers[1].credentials(other.key(), &position).await.unwrap(), decoy);
    }
    for [one, other] in &emails {
        let new = User { email: one.clone(), ..user("ada@example.com") };
        servers[0].create_user(&new, &hash(), &creation(&new), None).await.unwrap();
        let again = User { email: other.clone(), ..user("ada@example.com") };
        servers[1].create_user(&again, &hash(), &creation(&again), None).await.unwrap_err();
        let found = find_credentials(&servers[1], other).await.unwrap();
        assert_eq!(found.user_id, new.id);
        assert_eq!(servers[1].user_by_email(other.key()).await.unwrap(), Some(new));
    }
}
