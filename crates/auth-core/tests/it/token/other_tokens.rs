use auth_core::{AccessTokenVerifier, RefreshToken, SystemRandom};
use serde_json::json;

use super::service::{Service, remove};

#[test]
fn a_token_of_another_service_with_the_same_url_is_rejected() {
    let (service, other) = (Service::new(), Service::new());
    let (header, claims) = service.parts();
    assert!(other.accepts(&other.issue()));
    service.assert_rejects([
        ("unchanged", other.issue()),
        ("with our `kid`", other.with_header("kid", json!(service.kid))),
        ("with our header and claims", other.sign(&header.to_string(), &claims.to_string())),
    ]);
}

#[test]
fn a_signature_of_another_token_is_rejected() {
    let service = Service::new();
    let (first, second) = (service.issue(), service.issue());
    let [first, second] = [&first, &second].map(|token| token.split('.').collect::<Vec<_>>());
    service.assert_rejects([
        ("the signature of the other", [first[0], first[1], second[2]].join(".")),
        ("the claims of the other", [first[0], second[1], first[2]].join(".")),
        ("the claims as the header", [first[1], first[1], first[2]].join(".")),
        ("header and claims swapped", [first[1], first[0], first[2]].join(".")),
    ]);
}

#[test]
fn tokens_for_other_purposes_are_rejected() {
    let service = Service::new();
    let id_token = service.forge(|header, claims| {
        header["typ"] = json!("JWT");
        remove(claims, "sid");
        claims["nonce"] = json!("n-0S6_WzA2Mj");
        claims["auth_time"] = claims["iat"].clone();
    });
    // The JWT that a client authenticates itself with (RFC 7523, 3).
    let assertion = service.forge(|header, claims| {
        remove(header, "typ");
        claims["iss"] = claims["sub"].clone();
    });
    let logout_token = service.forge(|header, claims| {
        header["typ"] = json!("logout+jwt");
        claims["events"] = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    });
    service.assert_rejects([
        ("an ID token", id_token),
        ("a client assertion", assertion),
        ("a logout token", logout_token),
        ("a refresh token", RefreshToken::generate(&SystemRandom).to_text().to_string()),
        ("a session id", service.session.to_string()),
    ]);
}

#[test]
fn a_token_with_an_unknown_key_is_distinguished_from_an_invalid_one() {
    let (ours, theirs) = (Service::new(), Service::new());
    let (our_token, their_token) = (ours.issue(), theirs.issue());
    assert!(ours.tokens.lacks_key_for(&their_token) && theirs.tokens.lacks_key_for(&our_token));
    assert!(!ours.tokens.lacks_key_for(&our_token));
    let long = format!("{their_token}{}", "A".repeat(AccessTokenVerifier::MAX_BYTES));
    let other = theirs.with_header("crit", json!(["exp"]));
    for wrong in ["", "a.b.c", &ours.issue_until(ours.now).0, &long, &other] {
        assert!(!ours.tokens.lacks_key_for(wrong), "{wrong}");
    }
}
