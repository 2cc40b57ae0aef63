use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::{
    Claims, InvalidToken, KeyFetch, NewAccessToken, SystemRandom, Timestamp, Verifier, VerifyError,
};
use futures_util::FutureExt as _;
use serde_json::json;

use super::service::{SERVICE, Service};

/// An issuer that publishes a key set, and that can stall or be unavailable.
#[derive(Clone)]
pub(super) struct Issuer(Arc<State>);

struct State {
    document: Mutex<Result<String, &'static str>>,
    fetches: AtomicUsize,
    stalls: AtomicBool,
    stalled: Mutex<Vec<KeyFetch>>,
}

impl Issuer {
    pub(super) fn new(services: &[&Service]) -> Self {
        let issuer = Self(Arc::new(State {
            document: Mutex::new(Err("connection refused")),
            fetches: AtomicUsize::default(),
            stalls: AtomicBool::default(),
            stalled: Mutex::default(),
        }));
        issuer.publish(services);
        issuer
    }

    pub(super) fn publish(&self, services: &[&Service]) {
        let keys: Vec<_> = services.iter().map(|service| service.jwk()).collect();
        self.respond_with(Ok(json!({ "keys": keys }).to_string()));
    }

    pub(super) fn respond_with(&self, document: Result<String, &'static str>) {
        *self.0.document.lock().unwrap() = document;
    }

    /// Leaves all fetches unanswered from now on.
    pub(super) fn stall(&self) {
        self.0.stalls.store(true, Ordering::SeqCst);
    }

    /// Responds to all unanswered fetches, and immediately to all others.
    pub(super) fn stop_stalling(&self) {
        self.0.stalls.store(false, Ordering::SeqCst);
        for fetch in self.stalled_fetches() {
            self.respond(fetch);
        }
    }

    /// Returns the unanswered fetches, oldest first.
    pub(super) fn stalled_fetches(&self) -> Vec<KeyFetch> {
        std::mem::take(&mut *self.0.stalled.lock().unwrap())
    }

    pub(super) fn respond(&self, fetch: KeyFetch) {
        let document = self.0.document.lock().unwrap().clone();
        fetch.finish(document);
    }

    pub(super) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::SeqCst)
    }

    pub(super) fn verifier(&self) -> Verifier {
        self.verifier_of(SERVICE)
    }

    /// Returns a verifier of tokens with this `iss` claim. It fetches its keys from `self`.
    pub(super) fn verifier_of(&self, issuer: &str) -> Verifier {
        let server = self.clone();
        Verifier::new(issuer, issuer, move |fetch| {
            server.0.fetches.fetch_add(1, Ordering::SeqCst);
            if server.0.stalls.load(Ordering::SeqCst) {
                server.0.stalled.lock().unwrap().push(fetch);
            } else {
                server.respond(fetch);
            }
        })
        .unwrap()
    }
}

/// Verifies a token. Panics if that waits for a fetch.
#[track_caller]
pub(super) fn verify(
    verifier: &Verifier,
    token: &str,
    now: Timestamp,
) -> Result<Claims, VerifyError> {
    verifier.verify(token, now).now_or_never().expect("the token does not wait for a fetch")
}

pub(super) fn is_invalid_token(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::InvalidToken(InvalidToken)))
}

pub(super) fn has_no_keys(outcome: &Result<Claims, VerifyError>) -> bool {
    matches!(outcome, Err(VerifyError::NoKeys(_)))
}

/// Issues a token at `now`.
pub(super) fn issue(service: &Service, now: Timestamp) -> String {
    let session = service.session_until(now + Duration::from_hours(9));
    let issued = service.tokens.issue(&NewAccessToken::new(&session), now, &SystemRandom);
    issued.unwrap().token.as_str().to_owned()
}

/// Returns a token whose header names a key that no issuer has.
pub(super) fn with_unknown_kid(service: &Service) -> String {
    service.with_header("kid", json!("unknown"))
}
