//! Two servers whose clocks differ.

use std::time::Duration;

use auth_core::{
    Admission, CounterKey, Limit, RefreshToken, SigningKey, SigningKeySeed, Timestamp,
};
use futures_util::future::join_all;

use crate::attempts::{LimitedCounter, SettleOutcome, SettledAttempt, Settlement};
use crate::conformance::deployment::Deployment;
use crate::conformance::refresh::{open_for_ada, refresh};
use crate::conformance::steps::{
    NOW, SECOND, Server, current_credentials, new_session, opened_for, seed, sign_up_ada,
    two_servers,
};
use crate::keys::RetireKeyOutcome;

cases! {
    ($) clocks_cases in clocks;
    a_session_is_active_on_servers_whose_clocks_differ,
    a_token_refreshed_on_servers_whose_clocks_differ_keeps_its_session,
    attempts_on_servers_whose_clocks_differ_are_counted_once,
    a_lockout_lasts_as_long_on_servers_whose_clocks_differ,
    keys_of_servers_whose_clocks_differ_are_known_to_both,
}

/// The difference between the clocks.
const SKEW: Duration = Duration::from_secs(5);

/// A server, and the time by which its clock is ahead.
struct Skewed {
    store: Server,
    ahead: Duration,
}

impl Skewed {
    /// Returns the time on the clock of this server, this long after `NOW`.
    fn after(&self, elapsed: Duration) -> Timestamp {
        NOW + elapsed + self.ahead
    }
}

/// Connects two servers. The clock of the second one is ahead.
async fn skewed_servers(deployment: &dyn Deployment) -> [Skewed; 2] {
    let [exact, ahead] = two_servers(deployment).await;
    [Skewed { store: exact, ahead: Duration::ZERO }, Skewed { store: ahead, ahead: SKEW }]
}

async fn a_session_is_active_on_servers_whose_clocks_differ(deployment: &dyn Deployment) {
    let servers = skewed_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0].store).await;
    let verified = current_credentials(&servers[0].store, &ada).await.password_version;
    for opening in &servers {
        let (mut new, token) = new_session(&ada);
        new.session.created_at += opening.ahead;
        new.session.last_used_at += opening.ahead;
        new.session.idle_expires_at += opening.ahead;
        new.session.expires_at += opening.ahead;
        let opened = opening.store.open_session(&new, verified, None).await.unwrap();
        assert_eq!(opened, opened_for(&ada));
        let session = new.session;
        for server in &servers {
            let now = server.after(Duration::ZERO);
            let found = server.store.session(session.id, now).await.unwrap();
            assert_eq!(found.map(|found| found.session), Some(session));
            let found = server.store.session_by_family(&token.family(), now).await.unwrap();
            assert_eq!(found, Some(session));
            assert_eq!(server.store.purge_sessions(now, 10).await.unwrap(), 0);
            let listed = server.store.sessions(ada.id, now).await.unwrap();
            assert!(listed.iter().any(|record| record.session == session));
        }
    }
}

async fn a_token_refreshed_on_servers_whose_clocks_differ_keeps_its_session(
    deployment: &dyn Deployment,
) {
    let servers = skewed_servers(deployment).await;
    let (opened, mut token) = open_for_ada(&servers[0].store).await;
    for round in 0_u32..20 {
        let elapsed = SECOND * 40 * round;
        // The first use moves between the servers, and so do the two repeats after it.
        let uses = [0, 1, 1].map(|n| &servers[(round as usize + n) % 2]);
        let mut successors: Vec<RefreshToken> = Vec::new();
        for server in uses {
            let now = server.after(elapsed);
            let (session, next) = refresh(&server.store, &token, now).await.unwrap();
            assert_eq!(session.id, opened.id);
            successors.push(next);
        }
        assert!(successors.iter().all(|next| next.hash() == successors[0].hash()));
        for server in &servers {
            let found = server.store.session(opened.id, server.after(elapsed)).await.unwrap();
            let idle = found.unwrap().session.idle_expires_at;
            let exact = opened.idle_expires_at + elapsed;
            assert!((exact..=exact + SKEW).contains(&idle));
        }
        token = successors.remove(0);
    }
    // Concurrent uses on both servers also get the same successor.
    let elapsed = SECOND * 800;
    let uses = (0..10).map(async |n| {
        let server: &Skewed = &servers[n % 2];
        refresh(&server.store, &token, server.after(elapsed)).await.unwrap().1.hash()
    });
    let successors = join_all(uses).await;
    assert!(successors.iter().all(|next| *next == successors[0]));
}

async fn attempts_on_servers_whose_clocks_differ_are_counted_once(deployment: &dyn Deployment) {
    let servers = skewed_servers(deployment).await;
    let counter = [by_browser()];
    let attempts = (0..40).map(|n| {
        let server: &Skewed = &servers[n % 2];
        server.store.begin_attempt(&counter, server.after(Duration::ZERO))
    });
    let admissions: Vec<_> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
    let admitted: Vec<_> = (0..40)
        .filter(|n| admissions[*n] == Admission::Admitted)
        .map(|n| &servers[n % 2])
        .collect();
    assert_eq!(admitted.len(), 10);
    // Nine fail. The last one succeeds on the other server, with the time at which it began.
    let (last, failed) = admitted.split_last().unwrap();
    for server in failed {
        assert_eq!(settle(server, Settlement::Counted).await, SettleOutcome::Settled);
    }
    assert_eq!(settle(last, Settlement::Refunded).await, SettleOutcome::Settled);
    // One attempt is left, on either server.
    let [exact, ahead] = &servers;
    assert_eq!(begin(ahead, Duration::ZERO).await, Admission::Admitted);
    assert_eq!(begin(exact, Duration::ZERO).await, Admission::Busy);
    assert_eq!(settle(ahead, Settlement::Counted).await, SettleOutcome::LockedOut);
    for server in &servers {
        assert!(matches!(begin(server, Duration::ZERO).await, Admission::Rejected(_)));
    }
}

async fn a_lockout_lasts_as_long_on_servers_whose_clocks_differ(deployment: &dyn Deployment) {
    for locking in 0..2 {
        let servers = skewed_servers(deployment).await;
        for n in 0..10 {
            // The failure that locks out is on the one server or the other.
            let server = &servers[(n + 1 + locking) % 2];
            assert_eq!(begin(server, Duration::ZERO).await, Admission::Admitted);
            let outcome = settle(server, Settlement::Counted).await;
            assert_eq!(outcome == SettleOutcome::LockedOut, n == 9);
        }
        let minute = SECOND * 60;
        for server in &servers {
            let rejected = begin(server, Duration::ZERO).await;
            let Admission::Rejected(remaining) = rejected else { unreachable!("{rejected:?}") };
            assert!((minute - SKEW..=minute).contains(&remaining), "{remaining:?}");
            let early = begin(server, minute - SKEW - SECOND / 1_000).await;
            assert!(matches!(early, Admission::Rejected(_)), "{early:?}");
        }
        for server in &servers {
            let elapsed = minute + SKEW;
            assert_eq!(begin(server, elapsed).await, Admission::Admitted);
            let refund = settled(server, Settlement::Refunded, elapsed);
            assert_eq!(server.store.settle_attempt(&refund).await.unwrap(), SettleOutcome::Settled);
        }
        // The next round starts with a new counter.
        let late = minute * 60 * 48;
        assert_eq!(servers[1].store.purge_counters(servers[1].after(late), 10).await.unwrap(), 1);
    }
}

async fn keys_of_servers_whose_clocks_differ_are_known_to_both(deployment: &dyn Deployment) {
    let [exact, ahead] = skewed_servers(deployment).await;
    let candidates = [seed(), seed()];
    for (server, candidate) in [(&ahead, &candidates[0]), (&exact, &candidates[1])] {
        let now = server.after(Duration::ZERO);
        server.store.ensure_signing_key(candidate, now).await.unwrap();
    }
    // The first key signs on the server whose clock is behind, too.
    let first = candidates[0].clone();
    assert_signs(&[&exact, &ahead], [&first, &first], Duration::ZERO).await;

    // A key that signs at once signs on the other server when its clock gets there.
    let second = seed();
    let key = SigningKey::from_seed(second.clone()).unwrap();
    let now = ahead.after(Duration::ZERO);
    ahead.store.add_signing_key(&key, now, now).await.unwrap();
    let both = [&exact, &ahead];
    assert_signs(&both, [&first, &second], Duration::ZERO).await;
    assert_signs(&both, [&second, &second], SKEW).await;

    // For the server whose clock is behind, the first key still signs. Without it, the second one
    // signs at once.
    let key = SigningKey::from_seed(first).unwrap();
    let retired = exact.store.retire_signing_key(&key, exact.after(Duration::ZERO)).await.unwrap();
    assert_eq!(retired, RetireKeyOutcome::RetiredAndActivated(second.clone()));
    assert_signs(&both, [&second, &second], Duration::ZERO).await;
}

/// Checks which key signs on each server, and that both servers know both keys.
async fn assert_signs(servers: &[&Skewed; 2], expected: [&SigningKeySeed; 2], elapsed: Duration) {
    for (server, signing) in servers.iter().zip(expected) {
        let set = server.store.signing_keys().await.unwrap();
        let position = set.signing_position(server.after(elapsed)).unwrap();
        assert!(set.keys[position].seed == *signing);
        assert!(expected.iter().all(|seed| set.keys.iter().any(|key| key.seed == **seed)));
    }
}

fn by_browser() -> LimitedCounter {
    let key = CounterKey::sign_ins_by_account("ada@example.com");
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_BROWSER }
}

async fn begin(server: &Skewed, elapsed: Duration) -> Admission {
    server.store.begin_attempt(&[by_browser()], server.after(elapsed)).await.unwrap()
}

/// Settles an attempt that began on this server at `NOW`.
async fn settle(server: &Skewed, settlement: Settlement) -> SettleOutcome {
    let attempt = settled(server, settlement, Duration::ZERO);
    server.store.settle_attempt(&attempt).await.unwrap()
}

fn settled(server: &Skewed, settlement: Settlement, elapsed: Duration) -> SettledAttempt {
    SettledAttempt {
        counters: vec![(by_browser(), settlement)],
        began_at: server.after(elapsed),
        settled_at: server.after(elapsed),
        failure: None,
    }
}
