//! Tests that the cache of verified tokens does not weaken any check.

use std::time::Duration;

use auth_core::{AccessTokenVerifier, JwkSet, SigningKey, SystemRandom};

use super::service::{LIFETIME, SERVICE, Service};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_cached_token_is_rejected_outside_its_validity_period() {
    let service = Service::new();
    let token = service.issue();
    let is_valid = |now| service.tokens.verify(&token, now).is_ok();
    for _ in 0..3 {
        let start = service.now - SECOND * 30;
        assert!(is_valid(start) && is_valid(service.now + LIFETIME - SECOND));
        assert!(!is_valid(start - SECOND) && !is_valid(service.now + LIFETIME));
    }
}

#[test]
fn a_cached_token_has_the_same_claims() {
    let service = Service::new();
    let (token, other) = (service.issue(), service.issue());
    let first = service.tokens.verify(&token, service.now).unwrap();
    service.tokens.verify(&other, service.now).unwrap();
    assert_eq!(service.tokens.verify(&token, service.now), Ok(first.clone()));
    assert_eq!((first.user, first.session), (service.user, service.session));
}

#[test]
fn a_string_that_differs_in_one_byte_from_a_cached_token_is_rejected() {
    let service = Service::new();
    let token = service.issue();
    assert!(service.accepts(&token));
    for at in 0..token.len() {
        let letter = if token.as_bytes()[at] == b'A' { "B" } else { "A" };
        let changed = format!("{}{letter}{}", &token[..at], &token[at + 1..]);
        assert!(!service.accepts(&changed), "{at}");
        assert!(!service.accepts(&changed), "the second time: {at}");
    }
    for changed in [&token[1..], &token[..token.len() - 1], &format!("{token}A")] {
        assert!(!service.accepts(changed));
    }
    assert!(service.accepts(&token));
}

#[test]
fn the_cache_of_one_verifier_does_not_affect_another() {
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
