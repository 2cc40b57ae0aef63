use std::time::Duration;

use auth_core::{
    AccessTokenVerifier, AccessTokens, Amr, InvalidToken, JwkSet, KeyError, NewAccessToken,
    ScheduledKey, SigningKey, SystemRandom,
};
use serde_json::json;

use super::service::{LIFETIME, SERVICE, Service};

#[test]
fn a_token_names_its_user_and_session() {
    let service = Service::new();
    let claims = service.tokens.verify(&service.issue(), service.now).unwrap();
    assert_eq!((claims.user, claims.session), (service.user, service.session));
    assert_eq!((claims.authenticated_at, claims.amr), (service.now, Amr::PASSWORD));
    assert_eq!(claims.issued_at, service.now);
    assert_eq!(claims.expires_at, service.now + LIFETIME);
}

#[test]
fn a_token_has_the_header_and_the_claims_of_rfc_9068() {
    let service = Service::new();
    let (header, claims) = service.parts();
    assert_eq!(header, json!({"alg": "EdDSA", "typ": "at+jwt", "kid": service.kid}));
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    let expected =
        ["amr", "aud", "auth_time", "client_id", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"];
    assert_eq!(names, expected);
    assert_eq!(claims["amr"], json!(["pwd"]));
    assert_eq!(claims["auth_time"], json!(service.now.as_second()));
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(SERVICE), &json!(SERVICE)));
    assert_eq!(claims["sub"], json!(service.user.to_string()));
    assert_eq!(claims["client_id"], json!("latchkey"));
    let second = |name: &str| claims[name].as_i64().unwrap();
    assert_eq!(second("iat"), service.now.as_second());
    assert_eq!((second("nbf"), second("exp")), (second("iat") - 30, second("iat") + 300));
}

#[test]
fn every_token_has_its_own_id() {
    let service = Service::new();
    assert_ne!(service.parts().1["jti"], service.parts().1["jti"]);
}

#[test]
fn a_token_is_valid_from_nbf_and_expired_from_exp() {
    let service = Service::new();
    let token = service.issue();
    let valid_at = |time| service.tokens.verify(&token, time).is_ok();
    // A verifier whose clock is up to 30 seconds behind accepts a new token.
    assert!(!valid_at(service.now - Duration::from_secs(31)));
    assert!(valid_at(service.now - Duration::from_secs(30)));
    assert!(valid_at(service.now));
    assert!(valid_at(service.now + LIFETIME - Duration::from_secs(1)));
    assert!(!valid_at(service.now + LIFETIME));
}

#[test]
fn a_token_expires_with_its_session() {
    let service = Service::new();
    let (_, lifetime) = service.issue_until(service.now + LIFETIME * 2);
    assert_eq!(lifetime, LIFETIME);
    let (token, lifetime) = service.issue_until(service.now + Duration::from_millis(60_900));
    assert_eq!(lifetime, Duration::from_secs(60));
    let after = service.now + Duration::from_secs(60);
    assert_eq!(service.tokens.verify(&token, after).unwrap_err(), InvalidToken);
}

#[test]
fn the_first_key_signs_and_every_key_verifies() {
    let service = Service::new();
    let old_seed = auth_core::SigningKeySeed::from_bytes(&[7; 32]).unwrap();
    let old = SigningKey::from_seed(old_seed.clone()).unwrap();
    let before = AccessTokens::new(SERVICE, LIFETIME, vec![old]).unwrap();
    let session = service.session_until(service.now + LIFETIME);
    let token =
        before.issue(&NewAccessToken::new(&session), service.now, &SystemRandom).unwrap().token;
    let keys = vec![SigningKey::generate(&SystemRandom), SigningKey::from_seed(old_seed).unwrap()];
    let first = keys[0].kid().to_owned();
    let after = AccessTokens::new(SERVICE, LIFETIME, keys).unwrap();
    assert!(after.verify(token.as_str(), service.now).is_ok());
    assert_eq!(after.jwks().keys[0].kid, first);
}

#[test]
fn a_published_key_signs_from_its_time_on() {
    let service = Service::new();
    let keys = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    let kids = [keys[0].kid().to_owned(), keys[1].kid().to_owned()];
    let [new, old] = keys;
    let begins = service.now + Duration::from_mins(11);
    let schedule = vec![
        ScheduledKey { key: new, signs_from: begins },
        ScheduledKey { key: old, signs_from: service.now },
    ];
    let tokens = AccessTokens::with_schedule(SERVICE, LIFETIME, schedule).unwrap();
    let session = service.session_until(service.now + LIFETIME * 10);
    let issue =
        |now| tokens.issue(&NewAccessToken::new(&session), now, &SystemRandom).unwrap().token;
    let before = begins - Duration::from_millis(1);
    // The key set has both keys from the beginning.
    for (now, signs) in [(service.now, 1), (before, 1), (begins, 0), (begins + LIFETIME, 0)] {
        for (n, key) in tokens.jwks().keys.iter().enumerate() {
            assert_eq!(key.kid, kids[n]);
            let only = JwkSet { keys: vec![key.clone()] };
            let verifier = AccessTokenVerifier::new(SERVICE, SERVICE, &only).unwrap();
            assert_eq!(verifier.verify(issue(now).as_str(), now).is_ok(), n == signs);
        }
        assert!(tokens.verify(issue(now).as_str(), now).is_ok());
    }
}

#[test]
fn creating_an_issuer_or_verifier_requires_a_usable_key() {
    assert_eq!(AccessTokens::new(SERVICE, LIFETIME, vec![]).unwrap_err(), KeyError::NoKeys);
    let mut jwks = Service::new().tokens.jwks().clone();
    jwks.keys[0].x = "c2hvcnQ".to_owned();
    assert_eq!(
        AccessTokenVerifier::new(SERVICE, SERVICE, &jwks).unwrap_err(),
        KeyError::NotEd25519
    );
}

#[test]
fn debug_output_contains_no_secret() {
    let service = Service::new();
    let key = SigningKey::generate(&SystemRandom);
    let session = service.session_until(service.now + LIFETIME);
    let issued =
        service.tokens.issue(&NewAccessToken::new(&session), service.now, &SystemRandom).unwrap();
    let output = format!("{key:?} {:?} {issued:?} {:?}", key.seed(), service.tokens);
    assert!(!output.contains(issued.token.as_str()));
    assert!(!output.contains(&format!("{:?}", *key.seed().to_bytes())[1..20]));
}
