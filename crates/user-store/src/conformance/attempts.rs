use auth_core::{
    Admission, CounterKey, DeviceId, KnownBrowser, Limit, Network, SystemRandom, Timestamp, UserId,
};
use futures_util::future::join_all;

use crate::attempts::{
    LimitedCounter, Lockouts, SettleOutcome, SettledAttempt, Settlement, UnlockOutcome,
};
use crate::audit::{Event, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, SECOND, Server, current_credentials, hash, reauthenticate, sign_in_ada, sign_up,
    sign_up_ada, two_servers,
};
use crate::users::{KnownBrowsers, ReauthenticatedChangeOutcome, SetPassword, UpdateUserOutcome};

cases! {
    ($) attempts_cases in attempts;
    attempts_are_counted_across_servers,
    concurrent_attempts_cannot_exceed_the_limit,
    an_attempt_rejected_by_one_counter_changes_no_counter,
    a_refund_does_not_count_and_a_success_clears_the_counter,
    counters_survive_a_restart,
    expired_counters_are_purged,
    settled_attempts_without_failures_leave_no_counter,
    attempts_written_out_of_order_are_all_settled,
    a_counter_counts_an_attempt_that_has_not_begun_on_it,
    unlocking_an_account_resets_all_its_counters_and_no_others,
    a_password_set_by_an_operator_unlocks_the_account,
    a_password_change_forgets_known_browsers_unless_an_operator_keeps_them,
    deleting_an_account_deletes_its_counters,
    lockouts_of_an_account_are_found,
}

async fn attempts_are_counted_across_servers(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com")];
    assert_eq!(fail(&here, &ada, 5).await, SettleOutcome::Settled);
    assert_eq!(fail(&there, &ada, 5).await, SettleOutcome::LockedOut);
    let rejected = Admission::Rejected(60 * SECOND);
    assert_eq!(begin(&here, &ada).await, rejected);
    assert_eq!(begin(&there, &ada).await, rejected);
    assert_eq!(begin(&here, &[by_account("grace@example.com")]).await, Admission::Admitted);
}

async fn concurrent_attempts_cannot_exceed_the_limit(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com"), by_ip()];
    let admissions = join_all((0..40).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.begin_attempt(&ada, NOW)
    }))
    .await;
    let count =
        |expected| admissions.iter().filter(|one| *one.as_ref().unwrap() == expected).count();
    assert_eq!((count(Admission::Admitted), count(Admission::Busy)), (10, 30));
    let counted = settled(&ada, Settlement::Counted, NOW, NOW);
    let ended = join_all((0..10).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        store.settle_attempt(&counted)
    }))
    .await;
    let lockouts = ended.iter().filter(|one| matches!(one, Ok(SettleOutcome::LockedOut)));
    assert_eq!(lockouts.count(), 1);
    assert_eq!(begin(&here, &ada).await, Admission::Rejected(60 * SECOND));
    // Ten of the thirty attempts of the IP address are used, and none is pending.
    let grace = [by_account("grace@example.com"), by_ip()];
    assert_eq!(fail(&there, &grace, 10).await, SettleOutcome::LockedOut);
    assert_eq!(
        fail(&there, &[by_account("edsger@example.com"), by_ip()], 10).await,
        SettleOutcome::LockedOut
    );
    let rejected = begin(&here, &[by_account("barbara@example.com"), by_ip()]).await;
    assert_eq!(rejected, Admission::Rejected(60 * SECOND));
}

async fn an_attempt_rejected_by_one_counter_changes_no_counter(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com"), by_ip()];
    let _ = fail(&store, &ada, 10).await;
    for _ in 0..30 {
        assert_eq!(begin(&store, &ada).await, Admission::Rejected(60 * SECOND));
    }
    assert_eq!(
        fail(&store, &[by_ip()], 20).await,
        SettleOutcome::LockedOut,
        "the thirtieth failure of the IP address"
    );
    assert_eq!(begin(&store, &[by_ip()]).await, Admission::Rejected(60 * SECOND));
}

async fn a_refund_does_not_count_and_a_success_clears_the_counter(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com")];
    for settlement in [Settlement::Refunded, Settlement::Reset] {
        let _ = fail(&store, &ada, 9).await;
        assert_eq!(begin(&store, &ada).await, Admission::Admitted);
        assert_eq!(settle(&store, &ada, settlement).await, SettleOutcome::Settled);
        // After a refund, one attempt is left. After a reset, ten are left.
        let remaining = if settlement == Settlement::Reset { 10 } else { 1 };
        assert_eq!(fail(&store, &ada, remaining).await, SettleOutcome::LockedOut);
        assert_eq!(begin(&store, &ada).await, Admission::Rejected(60 * SECOND));
        let later = NOW + 60 * SECOND;
        let admission = store.begin_attempt(&ada, later).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
        let reset = settled(&ada, Settlement::Reset, later, later);
        let outcome = store.settle_attempt(&reset).await.unwrap();
        assert_eq!(outcome, SettleOutcome::Settled);
    }
}

async fn counters_survive_a_restart(deployment: &dyn Deployment) {
    let ada = [by_account("ada@example.com")];
    let _ = fail(&deployment.connect().await, &ada, 10).await;
    assert_eq!(begin(&deployment.connect().await, &ada).await, Admission::Rejected(60 * SECOND));
}

async fn expired_counters_are_purged(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let strangers = all_networks("ada@example.com");
    let all = [by_account("ada@example.com"), by_ip(), strangers];
    let _ = fail(&store, &all, 1).await;
    let purged =
        async |at: Timestamp, limit| store.purge_expired(at, limit).await.unwrap().counters;
    let quarter = NOW + 15 * 60 * SECOND;
    assert_eq!(purged(quarter - SECOND, 10).await, 0);
    assert_eq!(purged(quarter, 10).await, 1, "the counter of the IP address");
    let day = NOW + 24 * 60 * 60 * SECOND;
    assert_eq!(purged(day - SECOND, 10).await, 0);
    assert_eq!((purged(day, 1).await, purged(day, 1).await, purged(day, 1).await), (1, 1, 0));
}

/// An attacker could otherwise fill the store with counters without failures.
async fn settled_attempts_without_failures_leave_no_counter(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com"), by_ip()];
    for settlement in [Settlement::Refunded, Settlement::Reset] {
        assert_eq!(begin(&store, &ada).await, Admission::Admitted);
        assert_eq!(settle(&store, &ada, settlement).await, SettleOutcome::Settled);
    }
    let end = NOW + 1_000 * 60 * 60 * SECOND;
    assert_eq!(store.purge_expired(end, 10).await.unwrap().counters, 0);
}

/// Returns one counter of each kind of an account: of a known browser, of an IP address, and of all
/// IP addresses.
fn counters_of(email: &str, user: UserId) -> [LimitedCounter; 3] {
    let device = DeviceId::generate(&SystemRandom);
    let browser = KnownBrowser { user, version: 0, device };
    let key = CounterKey::sign_ins_by_browser(email, &browser);
    let by_browser = LimitedCounter { key, limit: Limit::SIGN_INS_PER_BROWSER };
    [by_browser, by_account(email), all_networks(email)]
}

async fn unlocking_an_account_resets_all_its_counters_and_no_others(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (grace, _) = sign_up(&here, "grace@example.com").await;
    let rejected = Admission::Rejected(60 * SECOND);
    let of_ada = counters_of("ada@example.com", ada.id);
    let others = [by_ip(), by_account("grace@example.com")];
    for (counter, max) in [(of_ada[0], 10), (of_ada[1], 10), (of_ada[2], 100), (others[1], 10)] {
        let _ = fail(&here, &[counter], max).await;
        assert_eq!(begin(&here, &[counter]).await, rejected);
    }
    let _ = fail(&here, &others[..1], 30).await;
    let until = Some(NOW + 60 * SECOND);
    let lockouts =
        Lockouts { unknown_browsers: until, single_clients: until, ..Lockouts::default() };
    assert_eq!(there.unlock_user(ada.id, NOW).await.unwrap(), UnlockOutcome::Unlocked(lockouts));
    for counter in of_ada {
        assert_eq!(begin(&here, &[counter]).await, Admission::Admitted);
    }
    for counter in others {
        assert_eq!(begin(&here, &[counter]).await, rejected);
    }
    let unlocked = Event::by_operator(EventKind::SignInsUnlocked, NOW).about(ada.id);
    assert_eq!(here.activity(ada.id, 1).await.unwrap(), [unlocked]);

    let _ = there.unlock_user(grace.id, NOW).await.unwrap();
    let again = there.unlock_user(grace.id, NOW).await.unwrap();
    assert_eq!(again, UnlockOutcome::NothingToReset);
    assert_eq!(here.activity(grace.id, 10).await.unwrap().len(), 2, "recorded once");
    let unknown = UserId::generate(NOW, &SystemRandom);
    assert_eq!(there.unlock_user(unknown, NOW).await.unwrap(), UnlockOutcome::NotFound);
}

async fn a_password_set_by_an_operator_unlocks_the_account(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let counters = counters_of("ada@example.com", ada.id);
    for counter in counters {
        let _ = fail(&store, &[counter], counter.limit.quotas()[0].max_attempts).await;
    }
    let new =
        SetPassword { user: ada.id, password: hash(), browsers: KnownBrowsers::Keep, notice: None };
    assert_eq!(store.set_password(&new, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(begin(&store, &counters).await, Admission::Admitted);
}

/// A thief who has signed in may have a device token. When users change their password, such a
/// token becomes useless. When an operator sets a forgotten password, the owner's browsers must
/// stay known.
async fn a_password_change_forgets_known_browsers_unless_an_operator_keeps_them(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let version = async || current_credentials(&store, &ada).await.device_version;
    let first = version().await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_eq!(version().await, first.next());
    let set = async |browsers| {
        let new = SetPassword { user: ada.id, password: hash(), browsers, notice: None };
        assert_eq!(store.set_password(&new, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    };
    set(KnownBrowsers::Keep).await;
    assert_eq!(version().await, first.next());
    set(KnownBrowsers::Forget).await;
    assert_eq!(version().await, first.next().next());
}

async fn deleting_an_account_deletes_its_counters(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let _ = fail(&store, &counters_of("ada@example.com", ada.id), 1).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let end = NOW + 1_000 * 60 * 60 * SECOND;
    assert_eq!(store.purge_expired(end, 10).await.unwrap().counters, 0);
}

async fn lockouts_of_an_account_are_found(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let [by_browser, _, strangers] = counters_of("ada@example.com", ada.id);
    let lockouts = async |now| store.lockouts(ada.id, now).await.unwrap();
    let _ = fail(&store, &[by_browser, strangers], 9).await;
    assert_eq!(lockouts(NOW).await, Some(Lockouts::default()));
    let _ = fail(&store, &[by_browser], 1).await;
    let end = NOW + 60 * SECOND;
    let single = Lockouts { single_clients: Some(end), ..Lockouts::default() };
    assert_eq!(lockouts(NOW).await, Some(single));
    let _ = fail(&store, &[strangers], 91).await;
    let all = Lockouts { unknown_browsers: Some(end), ..single };
    assert_eq!(lockouts(NOW).await, Some(all));
    assert_eq!(lockouts(end).await, Some(Lockouts::default()));
    let unknown = UserId::generate(NOW, &SystemRandom);
    assert_eq!(store.lockouts(unknown, NOW).await.unwrap(), None);
}

async fn attempts_written_out_of_order_are_all_settled(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let ada = [by_account("ada@example.com")];
    for _ in 0..20 {
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let admission = store.begin_attempt(&ada, began).await.unwrap();
            assert_eq!(admission, Admission::Admitted);
        }
        for (store, began) in [(&here, NOW + SECOND), (&there, NOW)] {
            let refunded = settled(&ada, Settlement::Refunded, began, NOW);
            let outcome = store.settle_attempt(&refunded).await.unwrap();
            assert_eq!(outcome, SettleOutcome::Settled);
        }
    }
}

async fn a_counter_counts_an_attempt_that_has_not_begun_on_it(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = [by_account("ada@example.com")];
    assert_eq!(settle(&store, &ada, Settlement::Refunded).await, SettleOutcome::Settled);
    for _ in 0..9 {
        assert_eq!(settle(&store, &ada, Settlement::Counted).await, SettleOutcome::Settled);
    }
    assert_eq!(begin(&store, &ada).await, Admission::Admitted, "the refund has no effect");
    let both = [by_account("ada@example.com"), by_ip()];
    assert_eq!(settle(&store, &both, Settlement::Counted).await, SettleOutcome::LockedOut);
    assert_eq!(begin(&store, &ada).await, Admission::Rejected(60 * SECOND));
    // The IP address has 29 of its 30 attempts left.
    assert_eq!(fail(&store, &[by_ip()], 28).await, SettleOutcome::Settled);
    assert_eq!(fail(&store, &[by_ip()], 1).await, SettleOutcome::LockedOut);
}

/// Returns the counter of an account for one IP address.
fn by_account(email: &str) -> LimitedCounter {
    let key = CounterKey::sign_ins_by_account_and_network(email, network());
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT_AND_IP }
}

/// Returns the counter of an account for all IP addresses.
fn all_networks(email: &str) -> LimitedCounter {
    let key = CounterKey::sign_ins_by_account(email);
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT }
}

fn network() -> Network {
    Network::of(Some([192, 0, 2, 1].into()))
}

fn by_ip() -> LimitedCounter {
    let key = CounterKey::sign_ins_by_network(network());
    LimitedCounter { key, limit: Limit::SIGN_INS_PER_IP }
}

async fn begin(store: &Server, counters: &[LimitedCounter]) -> Admission {
    store.begin_attempt(counters, NOW).await.unwrap()
}

/// Builds an attempt with the same settlement on all its counters.
fn settled(
    counters: &[LimitedCounter],
    settlement: Settlement,
    began_at: Timestamp,
    settled_at: Timestamp,
) -> SettledAttempt {
    let counters = counters.iter().map(|counter| (*counter, settlement)).collect();
    SettledAttempt { counters, began_at, settled_at, failure: None }
}

async fn settle(
    store: &Server,
    counters: &[LimitedCounter],
    settlement: Settlement,
) -> SettleOutcome {
    store.settle_attempt(&settled(counters, settlement, NOW, NOW)).await.unwrap()
}

/// Makes this many attempts, all of which fail. Returns the outcome of the last one.
async fn fail(store: &Server, counters: &[LimitedCounter], times: usize) -> SettleOutcome {
    let mut outcome = SettleOutcome::Settled;
    for _ in 0..times {
        assert_eq!(begin(store, counters).await, Admission::Admitted);
        outcome = settle(store, counters, Settlement::Counted).await;
    }
    outcome
}
