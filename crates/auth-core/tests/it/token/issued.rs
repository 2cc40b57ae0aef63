use std::time::Duration;

use auth_core::{
    AccessTokenVerifier, AccessTokens, InvalidToken, KeyError, SigningKey, SystemRandom,
};
use serde_json::json;

use super::service::{LIFETIME, SERVICE, Service};

#[test]
fn a_token_names_its_user_and_session() {
    let service = Service::new();
    let claims = service.tokens.verify(&service.issue(), service.now).unwrap();
    assert_eq!((claims.user, claims.session), (service.user, service.session));
    assert_eq!(claims.issued_at, service.now);
    assert_eq!(claims.expires_at, service.now + LIFETIME);
}

#[test]
fn a_token_has_the_header_and_the_claims_of_rfc_9068() {
    let service = Service::new();
    let (header, claims) = service.parts();
    assert_eq!(header, json!({"alg": "EdDSA", "typ": "at+jwt", "kid": service.kid}));
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["aud", "exp", "iat", "iss", "jti", "nbf", "sid", "sub"]);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!(SERVICE), &json!(SERVICE)));
    assert_eq!(claims["sub"], json!(service.user.to_string()));
    assert_eq!(claims["nbf"], claims["iat"]);
}

#[test]
fn every_token_has_its_own_id() {
    let service = Service::new();
    assert_ne!(service.parts().1["jti"], service.parts().1["jti"]);
}

#[test]
fn a_token_is_valid_from_iat_and_expired_from_exp() {
    let service = Service::new();
    let token = service.issue();
    let valid_at = |time| service.tokens.verify(&token, time).is_ok();
    assert!(!valid_at(service.now - Duration::from_secs(1)));
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
    let end = service.now + LIFETIME;
    let token =
        before.issue(service.user, service.session, service.now, end, &SystemRandom).unwrap().token;
    let keys = vec![SigningKey::generate(&SystemRandom), SigningKey::from_seed(old_seed).unwrap()];
    let first = keys[0].kid().to_owned();
    let after = AccessTokens::new(SERVICE, LIFETIME, keys).unwrap();
    assert!(after.verify(token.as_str(), service.now).is_ok());
    assert_eq!(after.jwks().keys[0].kid, first);
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
    let issued = service
        .tokens
        .issue(service.user, service.session, service.now, service.now + LIFETIME, &SystemRandom)
        .unwrap();
    let output = format!("{key:?} {:?} {issued:?} {:?}", key.seed(), service.tokens);
    assert!(!output.contains(issued.token.as_str()));
    assert!(!output.contains(&format!("{:?}", *key.seed().to_bytes())[1..20]));
}
