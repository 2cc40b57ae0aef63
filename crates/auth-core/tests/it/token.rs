use std::time::Duration;

use auth_core::{
    AccessTokenVerifier, AccessTokens, InvalidToken, KeyError, SessionId, SigningKey, SystemRandom,
    Timestamp, UserId,
};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use serde_json::{Value, json};

const SERVICE: &str = "https://auth.example.com";
const LIFETIME: Duration = Duration::from_secs(300);

/// A service with a known key, so that a test can sign what the service never would.
struct Service {
    tokens: AccessTokens,
    pair: Ed25519KeyPair,
    kid: String,
    now: Timestamp,
    user: UserId,
    session: SessionId,
}

impl Service {
    fn new() -> Self {
        let key = SigningKey::generate(&SystemRandom);
        let pair = Ed25519KeyPair::from_seed_unchecked(key.seed().to_bytes().as_ref()).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        Self {
            kid: key.kid().to_owned(),
            tokens: AccessTokens::new(SERVICE, LIFETIME, vec![key]).unwrap(),
            pair,
            now,
            user: UserId::generate(now, &SystemRandom),
            session: SessionId::generate(now, &SystemRandom),
        }
    }

    fn issue(&self) -> String {
        self.issue_until(self.now + LIFETIME * 10).0
    }

    fn issue_until(&self, session_end: Timestamp) -> (String, Duration) {
        let issued = self
            .tokens
            .issue(self.user, self.session, self.now, session_end, &SystemRandom)
            .unwrap();
        (issued.token.as_str().to_owned(), issued.expires_in)
    }

    /// The parts of a token as the service issues it.
    fn parts(&self) -> (Value, Value) {
        let token = self.issue();
        let mut parts = token
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).ok());
        (parts.next().flatten().unwrap(), parts.next().flatten().unwrap())
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// A token with the service's own signature whose parts `change` has altered.
    fn forge(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = self.parts();
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }

    fn accepts(&self, token: &str) -> bool {
        self.tokens.verify(token, self.now).is_ok()
    }
}

#[test]
fn a_token_says_whose_it_is_and_for_which_session() {
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
fn every_token_has_an_id_of_its_own() {
    let service = Service::new();
    assert_ne!(service.parts().1["jti"], service.parts().1["jti"]);
}

#[test]
fn a_forged_token_is_taken_as_long_as_nothing_is_changed() {
    // The measure for every refusal below: what is refused there is the change.
    let service = Service::new();
    assert!(service.accepts(&service.forge(|_, _| {})));
}

#[test]
fn a_token_is_valid_from_its_first_second_to_before_its_last() {
    let service = Service::new();
    let token = service.issue();
    let valid_at = |time| service.tokens.verify(&token, time).is_ok();
    assert!(!valid_at(service.now - Duration::from_secs(1)));
    assert!(valid_at(service.now));
    assert!(valid_at(service.now + LIFETIME - Duration::from_secs(1)));
    assert!(!valid_at(service.now + LIFETIME));
}

#[test]
fn a_token_ends_with_its_session() {
    let service = Service::new();
    let (_, whole) = service.issue_until(service.now + LIFETIME * 2);
    assert_eq!(whole, LIFETIME);
    let (token, cut) = service.issue_until(service.now + Duration::from_millis(60_900));
    assert_eq!(cut, Duration::from_secs(60));
    let after = service.now + Duration::from_secs(60);
    assert_eq!(service.tokens.verify(&token, after).unwrap_err(), InvalidToken);
}

#[test]
fn a_claim_that_is_missing_or_of_another_type_is_refused() {
    let service = Service::new();
    let (_, claims) = service.parts();
    for name in claims.as_object().unwrap().keys() {
        let without = service.forge(|_, claims| {
            claims.as_object_mut().unwrap().remove(name);
        });
        assert!(!service.accepts(&without), "without {name}");
        for wrong in [json!(null), json!([claims[name]]), json!({}), json!(true)] {
            let changed = service.forge(|_, claims| claims[name] = wrong.clone());
            assert!(!service.accepts(&changed), "{name}: {wrong}");
        }
    }
}

#[test]
fn a_claim_that_says_something_else_is_refused() {
    let service = Service::new();
    let now = service.now.as_second();
    for (name, wrong) in [
        ("iss", json!("https://auth.example.com/")),
        ("aud", json!("https://other.example.com")),
        ("sub", json!("ada")),
        ("sid", json!("")),
        ("jti", json!("")),
        ("iat", json!(now + 1)),
        ("nbf", json!(now + 1)),
        ("exp", json!(now)),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", json!(u64::MAX)),
    ] {
        let token = service.forge(|_, claims| claims[name] = wrong.clone());
        assert!(!service.accepts(&token), "{name}: {wrong}");
    }
}

#[test]
fn a_header_that_says_anything_else_is_refused() {
    let service = Service::new();
    for (name, wrong) in [
        ("alg", json!("none")),
        ("alg", json!("HS256")),
        ("alg", json!("ES256")),
        ("alg", json!("Ed25519")),
        ("typ", json!("JWT")),
        ("typ", json!(null)),
        ("kid", json!("another")),
        ("kid", json!(null)),
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://evil.example/jwks.json")),
        ("jwk", serde_json::to_value(service.tokens.jwks().keys[0].clone()).unwrap()),
        ("x5c", json!([])),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("b64", json!(false)),
    ] {
        let token = service.forge(|header, _| header[name] = wrong.clone());
        assert!(!service.accepts(&token), "{name}: {wrong}");
    }
}

#[test]
fn a_key_that_comes_with_the_token_is_not_used() {
    let (service, stranger) = (Service::new(), Service::new());
    let own_key = serde_json::to_value(stranger.tokens.jwks().keys[0].clone()).unwrap();
    let (mut header, claims) = service.parts();
    assert!(!service.accepts(&stranger.sign(&header.to_string(), &claims.to_string())));
    header["jwk"] = own_key;
    assert!(!service.accepts(&stranger.sign(&header.to_string(), &claims.to_string())));
}

#[test]
fn a_public_key_used_as_an_hmac_secret_is_refused() {
    let service = Service::new();
    let x = &service.tokens.jwks().keys[0].x;
    let header = jsonwebtoken::Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(service.kid.clone()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    for secret in [URL_SAFE_NO_PAD.decode(x).unwrap(), x.clone().into_bytes()] {
        let secret = jsonwebtoken::EncodingKey::from_secret(&secret);
        let token = jsonwebtoken::encode(&header, &service.parts().1, &secret).unwrap();
        assert!(!service.accepts(&token));
    }
}

#[test]
fn repeated_members_are_refused() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let (header, claims) = (header.to_string(), claims.to_string());
    let again =
        |text: &str, name: &str, value: &Value| format!("{{\"{name}\":{value},{}", &text[1..]);
    let parsed: Value = serde_json::from_str(&claims).unwrap();
    for name in ["sub", "sid", "exp", "aud"] {
        assert!(!service.accepts(&service.sign(&header, &again(&claims, name, &parsed[name]))));
    }
    assert!(!service.accepts(&service.sign(&again(&header, "alg", &json!("EdDSA")), &claims)));
}

#[test]
fn other_spellings_of_the_same_base64url_are_refused() {
    let service = Service::new();
    let token = service.issue();
    // 64 bytes of signature leave four unused bits in the last character.
    let (start, last) = token.split_at(token.len() - 1);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = alphabet.find(last).unwrap();
    let sibling = &alphabet[at + 1..at + 2];
    assert!(!service.accepts(&format!("{start}{sibling}")));
    for changed in [
        format!("{token}="),
        format!("{token}=="),
        format!("{token} "),
        format!(" {token}"),
        format!("{token}.{}", token.split('.').next_back().unwrap()),
        format!(".{token}"),
        token.replacen('.', "", 1),
        token.rsplit_once('.').unwrap().0.to_owned(),
        format!("{}.", token.rsplit_once('.').unwrap().0),
        String::new(),
        "..".to_owned(),
    ] {
        assert!(!service.accepts(&changed), "{changed:?}");
    }
}

#[test]
fn more_than_4_kib_are_not_looked_at() {
    let service = Service::new();
    let padded =
        |length: usize| service.forge(|_, claims| claims["pad"] = json!("x".repeat(length)));
    let longest = (2_000..3_000)
        .map(padded)
        .take_while(|token| token.len() <= AccessTokenVerifier::MAX_BYTES)
        .last()
        .unwrap();
    assert!(service.accepts(&longest), "what is added and not over the limit does no harm");
    assert!(!service.accepts(&padded(3_000)));
}

#[test]
fn every_key_given_verifies_and_the_first_signs() {
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
fn a_service_without_a_usable_key_is_not_built() {
    assert_eq!(AccessTokens::new(SERVICE, LIFETIME, vec![]).unwrap_err(), KeyError::None);
    let mut jwks = Service::new().tokens.jwks().clone();
    jwks.keys[0].x = "c2hvcnQ".to_owned();
    assert_eq!(AccessTokenVerifier::new(SERVICE, SERVICE, &jwks).unwrap_err(), KeyError::Unusable);
}

#[test]
fn debug_shows_no_secret() {
    let service = Service::new();
    let key = SigningKey::generate(&SystemRandom);
    let issued = service
        .tokens
        .issue(service.user, service.session, service.now, service.now + LIFETIME, &SystemRandom)
        .unwrap();
    let shown = format!("{key:?} {:?} {issued:?} {:?}", key.seed(), service.tokens);
    assert!(!shown.contains(issued.token.as_str()));
    assert!(!shown.contains(&format!("{:?}", *key.seed().to_bytes())[1..20]));
}

proptest! {
    #[test]
    fn no_text_makes_the_verifier_panic(text in any::<String>()) {
        let service = Service::new();
        prop_assert!(!service.accepts(&text));
    }

    #[test]
    fn a_token_with_any_byte_changed_is_refused(at in any::<prop::sample::Index>(), with in "[ -~]") {
        let service = Service::new();
        let token = service.issue();
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != with);
        let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
        prop_assert!(!service.accepts(&changed));
    }
}
