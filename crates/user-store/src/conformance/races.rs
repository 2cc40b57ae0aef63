//! Calls that run at the same time, in many rounds.

use auth_core::{Admission, ClientInfo, CounterKey, Limit, RefreshToken, Session, Timestamp};
use futures_util::future::{join, join_all, join3};

use crate::attempts::{LimitedCounter, SettledAttempt, Settlement};
use crate::audit::{Event, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::refresh::refresh;
use crate::conformance::steps::{
    NOW, SECOND, Server, current_credentials, hash, is_alive, new_session, open, open_session,
    sign_up, sign_up_ada, two_servers, user,
};
use crate::metadata::Metadata;
use crate::sessions::{NewSession, OpenSessionOutcome, RotateOutcome};
use crate::users::{ImportUsersOutcome, StoredUser, UpdateUserOutcome};

cases! {
    ($) races_cases in races;
    a_session_refreshed_during_a_purge_survives_it,
    a_counter_used_during_a_purge_survives_it,
    a_failure_settled_during_a_deletion_records_nothing_about_the_user,
    concurrent_sign_ins_do_not_exceed_the_maximum_number_of_sessions,
    a_sign_in_during_a_deletion_leaves_no_session,
    concurrent_imports_in_different_orders_do_not_fail,
    concurrent_attempts_with_counters_in_different_orders_do_not_fail,
}

/// Returns the server for the `n`th call, so that calls alternate between the servers.
fn nth(servers: &[Server; 2], n: usize) -> &Server {
    &servers[n % 2]
}

async fn a_session_refreshed_during_a_purge_survives_it(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    for round in 0..6 {
        let mut opened: Vec<(Session, RefreshToken)> = Vec::new();
        for _ in 0..8 {
            opened.push(open(&servers[0], &ada).await);
        }
        // At this time, the sessions expire, and the clock of a server that refreshes them is a
        // little behind.
        let expiry = opened[0].0.idle_expires_at;
        let before = expiry - SECOND / 1_000;
        let refreshes = opened.iter().enumerate().map(async |(n, (_, token))| {
            let result = refresh(nth(&servers, n), token, before).await;
            result.map(|(session, _)| session)
        });
        let purges = (0..4).map(|n| nth(&servers, round + n).purge_sessions(expiry, 3));
        let (refreshed, purged) = join(join_all(refreshes), join_all(purges)).await;
        let purged: usize = purged.into_iter().map(Result::unwrap).sum();
        let mut survivors = 0;
        for (result, (session, _)) in refreshed.into_iter().zip(&opened) {
            let found = servers[0].session(session.id, expiry).await.unwrap();
            match result {
                Ok(refreshed) => {
                    survivors += 1;
                    assert_eq!(found.map(|found| found.session), Some(refreshed));
                }
                Err(rejected) => {
                    assert_eq!((rejected, found), (RotateOutcome::Unknown, None));
                }
            }
        }
        assert_eq!(survivors + purged, opened.len());
        servers[0].end_all_sessions(ada.id, NOW).await.unwrap();
    }
}

async fn a_counter_used_during_a_purge_survives_it(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let limit = Limit::SIGN_INS_PER_IP;
    for round in 0..4 {
        let counters: Vec<_> = (0..8)
            .map(|n| LimitedCounter { key: key(&format!("{round}-{n}@example.com")), limit })
            .collect();
        for counter in &counters {
            fail(&servers[0], counter, NOW).await;
        }
        // The failures stop counting at this time, and each counter is used once more.
        let end = NOW + limit.quotas()[0].window;
        let uses = counters.iter().enumerate();
        let uses = uses.map(|(n, counter)| fail(nth(&servers, n), counter, end));
        let purges = (0..4).map(|n| nth(&servers, round + n).purge_counters(end, 3));
        let (_, purged) = join(join_all(uses), join_all(purges)).await;
        for purged in purged {
            purged.unwrap();
        }
        // Every counter still has the failure, so it uses up its quota one attempt earlier.
        for counter in &counters {
            for _ in 1..limit.quotas()[0].max_attempts {
                fail(&servers[1], counter, end).await;
            }
            let admission = servers[0].begin_attempt(&[*counter], end).await.unwrap();
            assert_eq!(admission, Admission::Rejected(60 * SECOND));
        }
    }
}

async fn a_failure_settled_during_a_deletion_records_nothing_about_the_user(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let mut recorded = 0;
    for round in 0..12 {
        let (ada, _) = sign_up_ada(&servers[0]).await;
        let (session, _) = open(&servers[0], &ada).await;
        let client = ClientInfo::new(None, Some("Secret browser"));
        let failure = Event::by_user(EventKind::PasswordCheckFailed, NOW, client.clone());
        let attempt = SettledAttempt {
            counters: Vec::new(),
            began_at: NOW,
            settled_at: NOW,
            failure: Some(failure.about(ada.id).in_session(session.id)),
        };
        let attempts = [0, 1, 2].map(|n| nth(&servers, n).settle_attempt(&attempt));
        let deletes = nth(&servers, round).delete_user(ada.id, None, NOW);
        let (settled, deleted) = match round % 4 < 2 {
            true => join(join_all(attempts), deletes).await,
            false => {
                let (deleted, settled) = join(deletes, join_all(attempts)).await;
                (settled, deleted)
            }
        };
        assert_eq!(deleted.unwrap(), UpdateUserOutcome::Updated);
        for outcome in settled {
            let _ = outcome.unwrap();
        }
        let deletion = Event::by_operator(EventKind::AccountDeleted, NOW).about(ada.id);
        assert_eq!(servers[1].activity(ada.id, 10).await.unwrap(), [deletion]);
        let all = servers[1].events(None, None, 1_000).await.unwrap();
        for (_, event) in &all {
            assert_eq!((event.session, event.client == client), (None, false), "{event:?}");
        }
        // The failures that were recorded after the deletion are anonymous.
        assert!((recorded + 1..=recorded + 4).contains(&all.len()));
        recorded = all.len();
    }
}

async fn concurrent_sign_ins_do_not_exceed_the_maximum_number_of_sessions(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    let max = NewSession::MAX_PER_USER as usize;
    for _ in 0..max - 1 {
        let (new, _) = new_session(&ada);
        open_session(&servers[0], &ada, &new).await;
    }
    let verified = current_credentials(&servers[0], &ada).await.password_version;
    for _ in 0..5 {
        let new: Vec<_> = (0..8).map(|_| new_session(&ada).0).collect();
        let opened = new.iter().enumerate();
        let opened = opened.map(|(n, new)| nth(&servers, n).open_session(new, verified, None));
        for outcome in join_all(opened).await {
            assert!(matches!(outcome.unwrap(), OpenSessionOutcome::Opened { .. }));
        }
        assert_eq!(servers[1].sessions(ada.id, NOW).await.unwrap().len(), max);
    }
}

async fn a_sign_in_during_a_deletion_leaves_no_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..10 {
        let (ada, _) = sign_up_ada(&servers[0]).await;
        let verified = current_credentials(&servers[0], &ada).await.password_version;
        let (session, token) = open(&servers[0], &ada).await;
        let (new, _) = new_session(&ada);
        let (opened, refreshed, deleted) = join3(
            servers[0].open_session(&new, verified, None),
            refresh(nth(&servers, round), &token, NOW),
            servers[1].delete_user(ada.id, None, NOW),
        )
        .await;
        assert_eq!(deleted.unwrap(), UpdateUserOutcome::Updated);
        let _ = opened.unwrap();
        if let Err(rejected) = refreshed {
            assert_eq!(rejected, RotateOutcome::Unknown);
        }
        assert!(!is_alive(&servers[0], &new.session).await);
        assert!(!is_alive(&servers[0], &session).await);
        assert_eq!(servers[0].user(ada.id).await.unwrap(), None);
        let late = refresh(&servers[1], &token, NOW).await;
        assert_eq!(late.unwrap_err(), RotateOutcome::Unknown);
    }
    let events = servers[0].events(None, None, 1_000).await.unwrap();
    assert!(events.iter().all(|(_, event)| event.kind == EventKind::AccountDeleted));
}

async fn concurrent_imports_in_different_orders_do_not_fail(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let hash = hash();
    for round in 0..10 {
        let emails: Vec<_> = (0..20).map(|n| format!("u{n}-{round}@example.com")).collect();
        let list = |emails: &[String]| -> Vec<StoredUser> {
            let stored = |email: &String| StoredUser {
                user: user(email),
                password_hash: hash.clone(),
                metadata: Metadata::default(),
            };
            emails.iter().map(stored).collect()
        };
        let mut lists = [list(&emails), list(&emails), list(&emails)];
        lists[1].reverse();
        lists[2].rotate_left(10);
        let imports = lists.iter().enumerate();
        let imports = imports.map(|(n, list)| nth(&servers, n).import_users(list, NOW));
        let outcomes = join_all(imports).await.into_iter().map(Result::unwrap);
        let imported = outcomes.filter(|outcome| *outcome == ImportUsersOutcome::Imported);
        assert_eq!(imported.count(), 1);
        assert_eq!(servers[0].users(None, 1_000).await.unwrap().len(), 20 * (round + 1));
    }
}

async fn concurrent_attempts_with_counters_in_different_orders_do_not_fail(
    deployment: &dyn Deployment,
) {
    let servers = two_servers(deployment).await;
    sign_up(&servers[0], "ada@example.com").await;
    let limit = Limit::SIGN_INS_PER_ACCOUNT;
    let counters = ["a", "b", "c"].map(|name| LimitedCounter { key: key(name), limit });
    for _ in 0..10 {
        let attempts = (0..6).map(async |n| {
            let mut counters = counters;
            counters.rotate_left(n % 3);
            if n % 2 == 0 {
                counters.reverse();
            }
            let store = nth(&servers, n);
            let admission = store.begin_attempt(&counters, NOW).await.unwrap();
            assert_eq!(admission, Admission::Admitted);
            let settlements = counters.map(|counter| (counter, Settlement::Counted));
            let attempt = SettledAttempt {
                counters: settlements.to_vec(),
                began_at: NOW,
                settled_at: NOW,
                failure: None,
            };
            let _ = store.settle_attempt(&attempt).await.unwrap();
        });
        join_all(attempts).await;
    }
    // All 60 attempts were counted on all counters: 40 are left.
    for counter in counters {
        for _ in 0..40 {
            let admission = servers[0].begin_attempt(&[counter], NOW).await.unwrap();
            assert_eq!(admission, Admission::Admitted);
        }
        let admission = servers[0].begin_attempt(&[counter], NOW).await.unwrap();
        assert_eq!(admission, Admission::Busy);
    }
}

fn key(name: &str) -> CounterKey {
    CounterKey::sign_ins_by_account(name)
}

/// Makes an attempt that fails.
async fn fail(store: &Server, counter: &LimitedCounter, now: Timestamp) {
    let admission = store.begin_attempt(&[*counter], now).await.unwrap();
    assert_eq!(admission, Admission::Admitted);
    let attempt = SettledAttempt {
        counters: vec![(*counter, Settlement::Counted)],
        began_at: now,
        settled_at: now,
        failure: None,
    };
    let _ = store.settle_attempt(&attempt).await.unwrap();
}
