//! Tests of fetching keys. They never wait: they poll futures by hand.

use std::time::Duration;

use auth_core::Verifier;
use futures_util::FutureExt as _;
use serde_json::json;

use super::issuer::{Issuer, has_no_keys, is_invalid_token, issue, verify, with_unknown_kid};
use super::service::Service;

#[test]
fn keys_are_fetched_once_while_they_are_fresh() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    assert_eq!(issuer.fetches(), 0);
    for _ in 0..100 {
        assert_eq!(verify(&verifier, &service.issue(), service.now).unwrap().user, service.user);
    }
    let just_fresh = service.now + Verifier::FRESH_FOR - Duration::from_secs(1);
    verify(&verifier, &issue(&service, just_fresh), just_fresh).unwrap();
    assert_eq!(issuer.fetches(), 1);
    let later = service.now + Verifier::FRESH_FOR;
    for _ in 0..100 {
        verify(&verifier, &issue(&service, later), later).unwrap();
    }
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_new_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new, &old]);
    let later = old.now + Verifier::MIN_FETCH_INTERVAL;
    verify(&verifier, &issue(&new, later), later).unwrap();
    verify(&verifier, &issue(&old, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn unknown_kids_cause_at_most_one_fetch_per_interval() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    verify(&verifier, &service.issue(), service.now).unwrap();
    let intervals = 6;
    let end = u64::try_from(intervals).unwrap() * Verifier::MIN_FETCH_INTERVAL.as_secs();
    for second in 0..end {
        let now = service.now + Duration::from_secs(second);
        for kid in 0..50 {
            let token = service.with_header("kid", json!(format!("unknown-{second}-{kid}")));
            assert!(is_invalid_token(&verify(&verifier, &token, now)));
        }
        // Valid tokens are still accepted.
        verify(&verifier, &issue(&service, now), now).unwrap();
    }
    assert_eq!(issuer.fetches(), intervals);
}

#[test]
fn strings_that_are_not_tokens_cause_no_fetch() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    for token in [
        String::new(),
        "a.b.c".to_owned(),
        service.with_header("alg", json!("HS256")),
        service.with_header("typ", json!("JWT")),
        service.with_header("kid", json!(null)),
        service.with_header("jku", json!("https://evil.example/jwks.json")),
        format!("{}{}", service.issue(), "A".repeat(4_096)),
    ] {
        assert!(is_invalid_token(&verify(&verifier, &token, service.now)), "{token}");
    }
    assert_eq!(issuer.fetches(), 0);
}

#[test]
fn waiting_callers_share_one_fetch() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    issuer.stall();
    let token = service.issue();
    let mut waiting: Vec<_> =
        (0..100).map(|_| verifier.verify(&token, service.now).boxed()).collect();
    assert!(waiting.iter_mut().all(|verify| verify.now_or_never().is_none()));
    issuer.stop_stalling();
    assert!(waiting.iter_mut().all(|verify| verify.now_or_never().unwrap().is_ok()));
    assert_eq!(issuer.fetches(), 1);
}

#[test]
fn a_fetch_continues_after_the_caller_that_started_it_is_dropped() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    issuer.stall();
    let later = old.now + Verifier::MIN_FETCH_INTERVAL;
    assert!(verifier.verify(&with_unknown_kid(&old), later).now_or_never().is_none());
    issuer.stop_stalling();
    verify(&verifier, &issue(&new, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_fetch_that_is_dropped_has_failed() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    issuer.stall();
    let token = service.issue();
    let mut waiting = verifier.verify(&token, service.now).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    drop(issuer.stalled_fetches());
    let error = waiting.now_or_never().unwrap().unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "the fetch ended without a result");
    issuer.stop_stalling();
    let later = service.now + Verifier::MIN_FETCH_INTERVAL;
    verify(&verifier, &issue(&service, later), later).unwrap();
}

#[test]
fn a_fetch_that_never_ends_is_abandoned() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    issuer.stall();
    let hanging = issue(&service, service.now);
    let mut first = verifier.verify(&hanging, service.now).boxed();
    assert!((&mut first).now_or_never().is_none());
    let later = service.now + Verifier::FETCH_TIMEOUT;
    let token = issue(&service, later);
    let mut second = verifier.verify(&token, later).boxed();
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(issuer.fetches(), 2);
    let [late, pending] = <[_; 2]>::try_from(issuer.stalled_fetches()).unwrap();
    // The result of the first fetch comes too late and is ignored.
    issuer.respond(late);
    assert!(has_no_keys(&first.now_or_never().unwrap()));
    assert!((&mut second).now_or_never().is_none());
    issuer.respond(pending);
    second.now_or_never().unwrap().unwrap();
}

#[test]
fn a_token_that_waits_for_a_stalled_fetch_continues_when_a_later_one_succeeds() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    issuer.stall();
    let token = service.issue();
    let mut waiting = verifier.verify(&token, service.now).boxed();
    assert!((&mut waiting).now_or_never().is_none());
    let stalled = issuer.stalled_fetches();
    issuer.stop_stalling();
    let later = service.now + Verifier::FETCH_TIMEOUT + Duration::from_secs(1);
    verify(&verifier, &issue(&service, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
    waiting.now_or_never().expect("the token no longer waits").unwrap();
    drop(stalled);
}

#[test]
fn the_error_of_a_fetch_is_the_source() {
    let service = Service::new();
    let issuer = Issuer::new(&[]);
    issuer.respond_with(Err("connection refused"));
    let error = verify(&issuer.verifier(), &service.issue(), service.now).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "connection refused");
}

#[test]
fn the_age_of_the_keys_is_bounded_after_the_clock_is_set_back() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    let before = old.now - Duration::from_hours(5);
    verify(&verifier, &issue(&old, before), before).unwrap();
    // The age is measured from the first token after the step, and not from hours later.
    let after = before + Verifier::FRESH_FOR;
    verify(&verifier, &issue(&old, after), after).unwrap();
    assert_eq!(issuer.fetches(), 2);
    assert!(is_invalid_token(&verify(&verifier, &issue(&old, after), after)));
    verify(&verifier, &issue(&new, after), after).unwrap();
}

#[test]
fn a_new_key_is_fetched_within_a_minute_after_the_clock_is_set_back() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new, &old]);
    let before = old.now - Duration::from_hours(5);
    assert!(is_invalid_token(&verify(&verifier, &issue(&new, before), before)));
    let after = before + Verifier::MAX_FETCH_INTERVAL;
    verify(&verifier, &issue(&new, after), after).unwrap();
}

/// A service that accepts tokens of several issuers needs a verifier for each.
#[test]
fn tokens_of_another_issuer_are_rejected_even_with_a_known_key() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let other = issuer.verifier_of("https://other.example");
    verify(&issuer.verifier(), &service.issue(), service.now).unwrap();
    assert!(is_invalid_token(&verify(&other, &service.issue(), service.now)));
    let forged = Service::new().issue();
    assert!(is_invalid_token(&verify(&issuer.verifier(), &forged, service.now)));
}

#[test]
fn an_issuer_that_no_token_has_is_an_error() {
    let new = |issuer: &str, audience: &str| Verifier::new(issuer, audience, |_| {});
    let service = "https://auth.example.com";
    for valid in [service, "http://localhost:8080", "https://xn--bcher-kva.example", "http://[::1]"]
    {
        new(valid, valid).unwrap();
    }
    for wrong in [
        "https://auth.example.com/",
        "https://auth.example.com/auth",
        "https://Auth.example.com",
        "HTTPS://auth.example.com",
        "https://auth.example.com:443",
        "http://auth.example.com:80",
        "https://auth.example.com\n",
        " https://auth.example.com",
        "https://bücher.example",
        "https://ada@auth.example.com",
        "https://auth.example.com?",
        "auth.example.com",
        "https://",
        "",
    ] {
        let error = new(wrong, service).unwrap_err();
        assert_eq!(Err(&error), new(service, wrong).as_ref().map(drop), "{wrong}");
        let (text, debug) = (error.to_string(), format!("{error:?}"));
        assert!(text.starts_with(&format!("{wrong:?} is not the public URL")), "{text}");
        assert_eq!(text, debug);
    }
}
