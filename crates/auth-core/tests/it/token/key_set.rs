//! Tests of parsing key sets.

use auth_core::{JwkSet, KeyError};
use serde_json::json;

use super::service::Service;

#[test]
fn unusable_entries_of_a_key_set_are_ignored() {
    let (first, second) = (Service::new(), Service::new());
    let mut same_kid = second.jwk();
    same_kid["kid"] = json!(first.kid);
    let mut more_members = second.jwk();
    more_members["x5t"] = json!("AAAA");
    let set = json!({
        "keys": [
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa", "alg": "RS256", "use": "sig"},
            {"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "x", "alg": "ECDH-ES", "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "short", "alg": "EdDSA", "use": "sig"},
            {"kty": "OKP"}, null, 7, "OKP", ["OKP", "Ed25519", "AAAA", "kid", "EdDSA", "sig"],
            first.jwk(), same_kid, more_members,
        ],
        "more": true,
    });
    let parsed = JwkSet::parse(&set.to_string()).unwrap();
    let kids: Vec<_> = parsed.keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, [&*first.kid, &*second.kid]);
    assert_eq!(parsed.keys[0].x, first.jwk()["x"]);
}

#[test]
fn strings_that_are_not_key_sets_are_rejected() {
    let service = Service::new();
    let padded = format!("{}{}", json!({"keys": [service.jwk()]}), " ".repeat(JwkSet::MAX_BYTES));
    for text in ["", "{}", "[]", "null", "{\"keys\":{}}", "{\"keys\":[]", &*padded] {
        assert_eq!(JwkSet::parse(text), Err(KeyError::InvalidKeySet), "{text}");
    }
    assert_eq!(JwkSet::parse("{\"keys\":[]}"), Err(KeyError::NoKeys));
}
