//! Keys that are fetched from elsewhere. Nothing here waits: what would is polled by hand.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use auth_core::{
    AccessTokens, Claims, InvalidToken, JwkSet, KeyError, SessionId, SigningKey, SystemRandom,
    Timestamp, UserId, Verifier, VerifyError,
};
use futures_util::FutureExt as _;
use serde_json::json;

use super::service::{SERVICE, Service};

/// A service whose key set is fetched as long as its line is open.
#[derive(Clone)]
struct Issuer {
    document: Arc<Mutex<Result<String, &'static str>>>,
    fetches: Arc<AtomicUsize>,
    is_slow: Arc<AtomicBool>,
}

impl Issuer {
    fn new(services: &[&Service]) -> Self {
        let issuer = Self {
            document: Arc::new(Mutex::new(Err("nobody answers"))),
            fetches: Arc::default(),
            is_slow: Arc::default(),
        };
        issuer.publish(services);
        issuer
    }

    fn publish(&self, services: &[&Service]) {
        let keys: Vec<_> = services.iter().map(|service| service.jwk()).collect();
        self.answer(Ok(json!({ "keys": keys }).to_string()));
    }

    fn answer(&self, document: Result<String, &'static str>) {
        *self.document.lock().unwrap() = document;
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn verifier(&self) -> Verifier {
        let issuer = self.clone();
        Verifier::new(SERVICE, SERVICE, move || {
            issuer.fetches.fetch_add(1, Ordering::SeqCst);
            let issuer = issuer.clone();
            std::future::poll_fn(move |_| match issuer.is_slow.load(Ordering::SeqCst) {
                true => Poll::Pending,
                false => Poll::Ready(issuer.document.lock().unwrap().clone().map_err(Into::into)),
            })
        })
    }
}

fn verify(verifier: &Verifier, token: &str, now: Timestamp) -> Result<Claims, VerifyError> {
    verifier.verify(token, now).now_or_never().expect("nothing is waited for")
}

fn is_refused(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::InvalidToken(InvalidToken)))
}

fn has_no_keys(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::NoKeys(_)))
}

/// A token of `service` that is valid from `now` on.
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
fn keys_are_fetched_once_and_kept_while_they_are_fresh() {
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
fn a_key_that_was_retired_is_not_trusted_once_the_keys_are_old() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    let later = old.now + Verifier::FRESH_FOR;
    assert!(is_refused(&verify(&verifier, &issue(&old, later), later)));
    verify(&verifier, &issue(&new, later), later).unwrap();
}

#[test]
fn a_key_that_was_just_made_is_fetched_when_a_token_names_it() {
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
fn nobody_has_keys_fetched_more_often_than_the_pause_allows() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    verify(&verifier, &service.issue(), service.now).unwrap();
    let pauses = 6;
    let end = u64::try_from(pauses).unwrap() * Verifier::MIN_FETCH_INTERVAL.as_secs();
    for second in 0..end {
        let now = service.now + Duration::from_secs(second);
        for kid in 0..50 {
            let token = service.with_header("kid", json!(format!("unknown-{second}-{kid}")));
            assert!(is_refused(&verify(&verifier, &token, now)));
        }
        // Who has a good token does not notice.
        verify(&verifier, &issue(&service, now), now).unwrap();
    }
    assert_eq!(issuer.fetches(), pauses);
}

#[test]
fn what_does_not_look_like_a_token_of_the_issuers_has_nothing_fetched() {
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
        assert!(is_refused(&verify(&verifier, &token, service.now)), "{token}");
    }
    assert_eq!(issuer.fetches(), 0);
}

#[test]
fn all_who_wait_share_one_fetch() {
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
fn a_fetch_is_taken_on_when_the_one_who_began_it_goes_away() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    issuer.is_slow.store(true, Ordering::SeqCst);
    let later = old.now + Verifier::MIN_FETCH_INTERVAL;
    let stranger = old.with_header("kid", json!("unknown"));
    assert!(verifier.verify(&stranger, later).now_or_never().is_none());
    // While it goes on, those whose keys are known are let in at once.
    verify(&verifier, &issue(&old, later), later).unwrap();
    issuer.is_slow.store(false, Ordering::SeqCst);
    verify(&verifier, &issue(&new, later), later).unwrap();
    assert_eq!(issuer.fetches(), 2);
}

#[test]
fn a_fetch_that_never_ends_is_given_up() {
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
    // What the first brings after all comes too late to count.
    assert!(has_no_keys(&first.now_or_never().unwrap()));
    second.now_or_never().unwrap().unwrap();
}

#[test]
fn while_the_issuer_is_out_of_reach_the_keys_serve_for_an_hour() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let verifier = issuer.verifier();
    verify(&verifier, &service.issue(), service.now).unwrap();
    for (outage, document) in [
        Err("nobody answers"),
        Ok("<html>Bad Gateway</html>".to_owned()),
        Ok(json!({"keys": []}).to_string()),
    ]
    .into_iter()
    .enumerate()
    {
        issuer.answer(document);
        let minute = Duration::from_mins(10 + u64::try_from(outage).unwrap());
        verify(&verifier, &issue(&service, service.now + minute), service.now + minute).unwrap();
        assert_eq!(issuer.fetches(), 2 + outage);
    }
    issuer.answer(Err("nobody answers"));
    let last = service.now + Verifier::STALE_AFTER - Duration::from_secs(1);
    verify(&verifier, &issue(&service, last), last).unwrap();
    let too_late = last + Duration::from_secs(1);
    assert!(has_no_keys(&verify(&verifier, &issue(&service, too_late), too_late)));
    // It is tried again, but not at once.
    issuer.publish(&[&service]);
    assert!(has_no_keys(&verify(&verifier, &issue(&service, too_late), too_late)));
    let again = last + Verifier::MIN_FETCH_INTERVAL;
    verify(&verifier, &issue(&service, again), again).unwrap();
}

#[test]
fn an_error_says_what_the_fetch_said() {
    let service = Service::new();
    let issuer = Issuer::new(&[]);
    issuer.answer(Err("nobody answers"));
    let error = verify(&issuer.verifier(), &service.issue(), service.now).unwrap_err();
    let source = std::error::Error::source(&error).unwrap();
    assert_eq!(source.to_string(), "nobody answers");
}

#[test]
fn a_clock_that_is_put_back_neither_freezes_the_keys_nor_storms() {
    let (old, new) = (Service::new(), Service::new());
    let issuer = Issuer::new(&[&old]);
    let verifier = issuer.verifier();
    verify(&verifier, &old.issue(), old.now).unwrap();
    issuer.publish(&[&new]);
    let before = old.now - Duration::from_hours(5);
    for _ in 0..100 {
        verify(&verifier, &issue(&new, before), before).unwrap();
        assert!(is_refused(&verify(&verifier, &issue(&old, before), before)));
    }
    assert_eq!(issuer.fetches(), 2);
    // How old the keys are by then is not known, however little it is put back.
    let earlier = before - Duration::from_secs(1);
    verify(&verifier, &issue(&new, earlier), earlier).unwrap();
    assert_eq!(issuer.fetches(), 3);
}

#[test]
fn a_key_set_may_hold_what_is_of_no_use_here() {
    let (first, second) = (Service::new(), Service::new());
    let mut twin = second.jwk();
    twin["kid"] = json!(first.kid);
    let mut more = second.jwk();
    more["x5t"] = json!("AAAA");
    let set = json!({
        "keys": [
            {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "rsa", "alg": "RS256", "use": "sig"},
            {"kty": "OKP", "crv": "X25519", "x": "AAAA", "kid": "x", "alg": "ECDH-ES", "use": "enc"},
            {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "short", "alg": "EdDSA", "use": "sig"},
            {"kty": "OKP"}, null, 7, "OKP", ["OKP", "Ed25519", "AAAA", "kid", "EdDSA", "sig"],
            first.jwk(), twin, more,
        ],
        "more": true,
    });
    let parsed = JwkSet::parse(&set.to_string()).unwrap();
    let kids: Vec<_> = parsed.keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, [&*first.kid, &*second.kid]);
    assert_eq!(parsed.keys[0].x, first.jwk()["x"]);
}

#[test]
fn what_is_no_key_set_is_refused() {
    let service = Service::new();
    let padded = format!("{}{}", json!({"keys": [service.jwk()]}), " ".repeat(JwkSet::MAX_BYTES));
    for text in ["", "{}", "[]", "null", "{\"keys\":{}}", "{\"keys\":[]", &*padded] {
        assert_eq!(JwkSet::parse(text), Err(KeyError::NoKeySet), "{text}");
    }
    assert_eq!(JwkSet::parse("{\"keys\":[]}"), Err(KeyError::None));
}

/// A service that takes the tokens of several issuers has a verifier for each.
#[test]
fn another_issuers_tokens_are_refused_though_the_keys_are_known() {
    let service = Service::new();
    let issuer = Issuer::new(&[&service]);
    let elsewhere = {
        let issuer = issuer.clone();
        Verifier::new("https://other.example", "https://other.example", move || {
            let document = issuer.document.lock().unwrap().clone();
            async { document.map_err(Into::into) }
        })
    };
    verify(&issuer.verifier(), &service.issue(), service.now).unwrap();
    assert!(is_refused(&verify(&elsewhere, &service.issue(), service.now)));
    let (user, session) = (
        UserId::generate(service.now, &SystemRandom),
        SessionId::generate(service.now, &SystemRandom),
    );
    let stranger = vec![SigningKey::generate(&SystemRandom)];
    let stranger = AccessTokens::new(SERVICE, Verifier::FRESH_FOR, stranger).unwrap();
    let end = service.now + Verifier::STALE_AFTER;
    let forged = stranger.issue(user, session, service.now, end, &SystemRandom).unwrap();
    assert!(is_refused(&verify(&issuer.verifier(), forged.token.as_str(), service.now)));
}
