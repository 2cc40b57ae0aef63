//! Tests of fetching keys. They never wait: they poll futures by hand.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use auth_core::{
    Claims, InvalidToken, JwkSet, KeyError, SystemRandom, Timestamp, Verifier, VerifyError,
};
use futures_util::FutureExt as _;
use serde_json::json;

use super::service::{SERVICE, Service};

/// An issuer that publishes a key set, and that can be slow or unavailable.
#[derive(Clone)]
struct Issuer {
    document: Arc<Mutex<Result<String, &'static str>>>,
    fetches: Arc<AtomicUsize>,
    is_slow: Arc<AtomicBool>,
}

impl Issuer {
    fn new(services: &[&Service]) -> Self {
        let issuer = Self {
            document: Arc::new(Mutex::new(Err("connection refused"))),
            fetches: Arc::default(),
            is_slow: Arc::default(),
        };
        issuer.publish(services);
        issuer
    }

    fn publish(&self, services: &[&Service]) {
        let keys: Vec<_> = services.iter().map(|service| service.jwk()).collect();
        self.respond_with(Ok(json!({ "keys": keys }).to_string()));
    }

    fn respond_with(&self, document: Result<String, &'static str>) {
        *self.document.lock().unwrap() = document;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> Verifier {
        self.verifier_of(SERVICE)
    }

    /// Returns a verifier of tokens with this `iss` claim. It fetches its keys from `self`.
    fn verifier_of(&self, issuer: &str) -> Verifier {
        let server = self.clone();
        Verifier::new(issuer, issuer, move || {
            server.fetches.fetch_add(1, Ordering::SeqCst);
            let server = server.clone();
            std::future::poll_fn(move |_| match server.is_slow.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(server.document.lock().unwrap().clone().map_err(Into::into)),
            })
        })
    }
}

fn verify(verifier: &Verifier, token: &str, now: Timestamp) -> Result<Claims, VerifyError> {
    verifier.verify(token, now).now_or_never().expect("no fetch is pending")
}

fn is_invalid_token(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::InvalidToken(InvalidToken)))
}

fn has_no_keys(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::NoKeys(_)))
}

/// Issues a token that is valid from `now` on.
fn issue(service: &Service, now: Timestamp) -> String {
    let issued = service.tokens.issue(
        service.user,
        service.session,
        now,
        now + Duration::from_hours(9),
        &SystemRandom,
    );
    issued.unwrap().token.as_str().to_owned()
}

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
    verify(&verifier, &issue(&service, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_retired_key_is_not_trusted_after_the_next_fetch() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    let later = old.now + Verifier::FRESH_FOR;
    assert!(is_invalid_token(&verify(&verifier, &issue(&old, later), later)));
    verify(&verifier, &issue(&new, later), later).unwrap();
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
    issuer.is_slow.store(true, Ordering::SeqCst);
    let token = service.issue();
    let mut waiting: Vec<_> =
        (0..100).map(|_| verifier.verify(&token, service.now).boxed()).collect();
    assert!(waiting.iter_mut().all(|verify| verify.now_or_never().is_none()));
    issuer.is_slow.store(false, Ordering::SeqCst);
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
    issuer.is_slow.store(true, Ordering::SeqCst);
    let later = old.now + Verifier::MIN_FETCH_INTERVAL;
    let unknown = old.with_header("kid", json!("unknown"));
    assert!(verifier.verify(&unknown, later).now_or_never().is_none());
    // Tokens with a known key are verified without waiting for the fetch.
    verify(&verifier, &issue(&old, later), later).unwrap();
    issuer.is_slow.store(false, Ordering::SeqCst);
    verify(&verifier, &issue(&new, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_fetch_that_never_ends_is_abandoned() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    issuer.is_slow.store(true, Ordering::SeqCst);
    let hanging = issue(&service, service.now);
    let mut first = verifier.verify(&hanging, service.now).boxed();
    assert!((&mut first).now_or_never().is_none());
    let later = service.now + Verifier::FETCH_TIMEOUT;
    let token = issue(&service, later);
    let mut second = verifier.verify(&token, later).boxed();
    assert!((&mut second).now_or_never().is_none());
    assert_eq!(issuer.fetches(), 2);
    issuer.is_slow.store(false, Ordering::SeqCst);
    // The result of the first fetch comes too late and is ignored.
    assert!(has_no_keys(&first.now_or_never().unwrap()));
    second.now_or_never().unwrap().unwrap();
}

#[test]
fn keys_are_used_for_an_hour_while_fetching_fails() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    verify(&verifier, &service.issue(), service.now).unwrap();
    for (outage, document) in [
        Err("connection refused"),
        Ok("<html>Bad Gateway</html>".to_owned()),
        Ok(json!({"keys": []}).to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.respond_with(document);
        let now = service.now + Duration::from_mins(10 + u64::try_from(outage).unwrap());
        verify(&verifier, &issue(&service, now), now).unwrap();
        assert_eq!(issuer.fetches(), 2 + outage);
    }
    issuer.respond_with(Err("connection refused"));
    let last = service.now + Verifier::STALE_AFTER - Duration::from_secs(1);
    verify(&verifier, &issue(&service, last), last).unwrap();
    let too_late = last + Duration::from_secs(1);
    assert!(has_no_keys(&verify(&verifier, &issue(&service, too_late), too_late)));
    // The keys are fetched again only after the minimum interval.
    issuer.publish(&[&service]);
    assert!(has_no_keys(&verify(&verifier, &issue(&service, too_late), too_late)));
    let again = last + Verifier::MIN_FETCH_INTERVAL;
    verify(&verifier, &issue(&service, again), again).unwrap();
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
fn keys_are_fetched_only_once_more_after_the_clock_is_set_back() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    let before = old.now - Duration::from_hours(5);
    for _ in 0..100 {
        verify(&verifier, &issue(&new, before), before).unwrap();
        assert!(is_invalid_token(&verify(&verifier, &issue(&old, before), before)));
    }
    assert_eq!(issuer.fetches(), 2);
    // If the clock is set back, even by only a second, the age of the keys is unknown.
    let earlier = before - Duration::from_secs(1);
    verify(&verifier, &issue(&new, earlier), earlier).unwrap();
    assert_eq!(issuer.fetches(), 3);
}

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
