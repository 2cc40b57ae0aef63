//! A token that was verified before is no less looked at.

use std::time::Duration;

use auth_core::{AccessTokenVerifier, JwkSet, SigningKey, SystemRandom};

use super::service::{LIFETIME, SERVICE, Service};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_token_seen_before_is_refused_outside_of_its_time() {
    let service = Service::new();
    let token = service.issue();
    let is_taken = |now| service.tokens.verify(&token, now).is_ok();
    for _ in 0..3 {
        assert!(is_taken(service.now) && is_taken(service.now + LIFETIME - SECOND));
        assert!(!is_taken(service.now - SECOND) && !is_taken(service.now + LIFETIME));
    }
}

#[test]
fn a_token_seen_before_says_the_same_again() {
    let service = Service::new();
    let (token, other) = (service.issue(), service.issue());
    let first = service.tokens.verify(&token, service.now).unwrap();
    service.tokens.verify(&other, service.now).unwrap();
    assert_eq!(service.tokens.verify(&token, service.now), Ok(first));
    assert_eq!((first.user, first.session), (service.user, service.session));
}

#[test]
fn what_differs_in_one_letter_from_a_token_seen_before_is_refused() {
    let service = Service::new();
    let token = service.issue();
    assert!(service.accepts(&token));
    for at in 0..token.len() {
        let letter = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
        assert!(!service.accepts(&changed), "{at}");
        assert!(!service.accepts(&changed), "nor is it taken the second time: {at}");
    }
    for changed in [&token[1..], &token[..token.len() - 1], &format!("{token}A")] {
        assert!(!service.accepts(changed));
    }
    assert!(service.accepts(&token));
}

#[test]
fn what_one_verifier_has_seen_is_nothing_to_another() {
    let service = Service::new();
    let token = service.issue();
    let ours = service.tokens.jwks();
    let other = SigningKey::generate(&SystemRandom).public().clone();
    let verifier =
        |issuer, audience, keys: &JwkSet| AccessTokenVerifier::new(issuer, audience, keys).unwrap();
    let without_the_key = JwkSet { keys: vec![other] };
    let others = [
        verifier(SERVICE, SERVICE, &without_the_key),
        verifier("https://other.example", SERVICE, ours),
        verifier(SERVICE, "https://other.example", ours),
    ];
    assert!(service.accepts(&token) && service.accepts(&token));
    for other in others {
        assert!(other.verify(&token, service.now).is_err());
    }
}
