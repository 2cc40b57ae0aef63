//! Tests of a verifier whose keys are old, because the issuer stalls or is unavailable.

use std::time::Duration;

use auth_core::{Timestamp, Verifier};
use futures_util::FutureExt as _;
use serde_json::json;

use super::issuer::{Issuer, has_no_keys, is_invalid_token, issue, verify, with_unknown_kid};
use super::service::Service;

const SECOND: Duration = Duration::from_secs(1);

/// A verifier that has fetched the key of `service` at `service.now`.
struct Fetched {
    service: Service,
    issuer: Issuer,
    verifier: Verifier,
}

impl Fetched {
    fn new() -> Self {
        let service = Service::new();
        let issuer = Issuer::new(&[&service]);
        let verifier = issuer.verifier();
        verify(&verifier, &service.issue(), service.now).unwrap();
        Self { service, issuer, verifier }
    }

    /// Returns the time at which the keys have this age, if they are not fetched again.
    fn at(&self, age: Duration) -> Timestamp {
        self.service.now + age
    }

    /// Asserts that a token with a known key is accepted without waiting.
    #[track_caller]
    fn assert_accepts(&self, now: Timestamp) {
        verify(&self.verifier, &issue(&self.service, now), now).unwrap();
    }
}

#[test]
fn no_token_waits_while_the_issuer_stalls() {
    let fetched = Fetched::new();
    fetched.issuer.stall();
    // A fetch begins at the age of five minutes, and another one whenever the last one has taken
    // too long.
    let mut now = fetched.service.now;
    while now < fetched.at(Verifier::STALE_AFTER) {
        fetched.assert_accepts(now);
        now += SECOND;
    }
    let stalled = (Verifier::STALE_AFTER - Verifier::FRESH_FOR).as_secs();
    let fetches = u64::try_from(fetched.issuer.fetches()).unwrap();
    assert!((2..=1 + stalled / Verifier::FETCH_TIMEOUT.as_secs()).contains(&fetches), "{fetches}");
    assert!(fetched.verifier.verify(&issue(&fetched.service, now), now).now_or_never().is_none());
}

#[test]
fn no_token_waits_while_fetching_fails_and_the_time_between_fetches_grows() {
    let fetched = Fetched::new();
    let failures = [
        Err("connection refused"),
        Ok("<html>Bad Gateway</html>".to_owned()),
        Ok(json!({"keys": []}).to_string()),
    ];
    let mut starts = Vec::new();
    let mut age = Verifier::FRESH_FOR - SECOND;
    while age < Verifier::STALE_AFTER {
        fetched.issuer.respond_with(failures[starts.len() % failures.len()].clone());
        let fetches = fetched.issuer.fetches();
        fetched.assert_accepts(fetched.at(age));
        if fetched.issuer.fetches() > fetches {
            starts.push(age);
        }
        age += SECOND;
    }
    assert_eq!(starts[0], Verifier::FRESH_FOR);
    let intervals: Vec<_> = starts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(intervals[..5], [10, 20, 40, 60, 60]);
    assert!(intervals[5..].iter().all(|interval| *interval == 60));
    // The keys are too old from now on, although the last fetch has failed just before.
    let too_late = fetched.at(age);
    let outcome = verify(&fetched.verifier, &issue(&fetched.service, too_late), too_late);
    assert!(has_no_keys(&outcome));
    // A success is noticed after the longest interval at the latest, and ends the growth.
    fetched.issuer.publish(&[&fetched.service]);
    let again = too_late + Verifier::MAX_FETCH_INTERVAL;
    fetched.assert_accepts(again);
    let fetches = fetched.issuer.fetches();
    let unknown = with_unknown_kid(&fetched.service);
    let next = again + Verifier::MIN_FETCH_INTERVAL;
    assert!(is_invalid_token(&verify(&fetched.verifier, &unknown, next)));
    assert_eq!(fetched.issuer.fetches(), fetches + 1);
}

#[test]
fn keys_are_replaced_while_tokens_are_verified_with_the_old_ones() {
    let fetched = Fetched::new();
    let new = Service::new();
    fetched.issuer.publish(&[&new]);
    fetched.issuer.stall();
    let later = fetched.at(Verifier::FRESH_FOR);
    for _ in 0..10 {
        fetched.assert_accepts(later);
    }
    fetched.issuer.stop_stalling();
    let retired = verify(&fetched.verifier, &issue(&fetched.service, later), later);
    assert!(is_invalid_token(&retired));
    verify(&fetched.verifier, &issue(&new, later), later).unwrap();
    assert_eq!(fetched.issuer.fetches(), 2);
}

#[test]
fn after_a_pause_a_token_waits_for_a_fetch_so_that_a_retired_key_is_rejected() {
    let fetched = Fetched::new();
    fetched.issuer.publish(&[&Service::new()]);
    fetched.issuer.stall();
    let later = fetched.at(Verifier::WAIT_AFTER);
    let token = issue(&fetched.service, later);
    let mut waiting = fetched.verifier.verify(&token, later).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    fetched.issuer.stop_stalling();
    assert!(is_invalid_token(&waiting.now_or_never().unwrap()));
}

#[test]
fn after_a_pause_only_the_first_fetch_delays_tokens_if_the_issuer_is_unavailable() {
    let fetched = Fetched::new();
    fetched.issuer.respond_with(Err("connection refused"));
    fetched.issuer.stall();
    let later = fetched.at(Duration::from_mins(30));
    let token = issue(&fetched.service, later);
    let mut waiting = fetched.verifier.verify(&token, later).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    for fetch in fetched.issuer.stalled_fetches() {
        fetched.issuer.respond(fetch);
    }
    waiting.now_or_never().unwrap().unwrap();
    let mut now = later;
    while now < later + Verifier::WAIT_AFTER {
        fetched.assert_accepts(now);
        now += SECOND;
    }
}

#[test]
fn after_a_pause_tokens_do_not_wait_for_a_fetch_that_was_abandoned() {
    let fetched = Fetched::new();
    fetched.issuer.stall();
    let pause = fetched.at(Verifier::WAIT_AFTER);
    let token = issue(&fetched.service, pause);
    let mut waiting: Vec<_> =
        (0..10).map(|_| fetched.verifier.verify(&token, pause).boxed()).collect();
    assert!(waiting.iter_mut().all(|verify| verify.now_or_never().is_none()));
    // This token starts another fetch, which also stalls.
    fetched.assert_accepts(pause + Verifier::FETCH_TIMEOUT);
    assert_eq!(fetched.issuer.fetches(), 3);
    assert!(waiting.iter_mut().all(|verify| verify.now_or_never().unwrap().is_ok()));
    assert_eq!(fetched.issuer.stalled_fetches().len(), 2);
}

#[test]
fn a_token_of_a_new_key_is_not_reported_as_invalid_while_fetching_fails() {
    let (fetched, new) = (Fetched::new(), Service::new());
    fetched.issuer.respond_with(Err("connection refused"));
    let now = fetched.at(Verifier::MIN_FETCH_INTERVAL);
    for _ in 0..2 {
        assert!(has_no_keys(&verify(&fetched.verifier, &issue(&new, now), now)));
        fetched.assert_accepts(now);
    }
    assert_eq!(fetched.issuer.fetches(), 2);
    fetched.issuer.publish(&[&new, &fetched.service]);
    let later = now + Verifier::MIN_FETCH_INTERVAL;
    verify(&fetched.verifier, &issue(&new, later), later).unwrap();
}

#[test]
fn unknown_kids_do_not_delay_other_tokens() {
    let fetched = Fetched::new();
    fetched.issuer.stall();
    let mut now = fetched.at(Verifier::MIN_FETCH_INTERVAL);
    let unknown = with_unknown_kid(&fetched.service);
    while now < fetched.at(Verifier::STALE_AFTER) {
        let attack = fetched.verifier.verify(&unknown, now).now_or_never();
        assert!(attack.is_none_or(|outcome| outcome.is_err()));
        fetched.assert_accepts(now);
        now += SECOND;
    }
}
