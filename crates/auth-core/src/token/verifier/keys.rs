//! The keys of a [`Verifier`], and the rules for fetching them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::{FetchError, Verifier};
use crate::token::jwk::{JwkSet, KeyError};
use crate::token::verify::AccessTokenVerifier;

/// A fetch in progress, shared by all callers that wait for it. Any of them can drive it.
pub(super) type Fetch = Shared<BoxFuture<'static, Fetched>>;

pub(super) type Fetched = Result<JwkSet, FetchError>;

/// The current keys and the state of fetching them.
#[derive(Default)]
pub(super) struct Keys {
    current: Option<CurrentKeys>,
    pending: Option<PendingFetch>,
    /// When the last fetch began.
    last_started: Option<Timestamp>,
    last_error: Option<FetchError>,
}

struct CurrentKeys {
    set: JwkSet,
    verifier: Arc<AccessTokenVerifier>,
    fetched_at: Timestamp,
}

struct PendingFetch {
    fetch: Fetch,
    started_at: Timestamp,
}

/// The next step in verifying a token.
pub(super) enum Step {
    /// Verify the token with these keys.
    Verify(Arc<AccessTokenVerifier>),
    /// Wait for a fetch first.
    Wait(Fetch),
    /// Fail: there are no keys, and it is too early to fetch them again.
    Fail(FetchError),
}

impl Keys {
    /// Returns the next step in verifying a token that names the key `kid`, at the time `now`.
    pub(super) fn next_step(
        &mut self,
        kid: &str,
        now: Timestamp,
        fetch: &dyn Fn() -> Fetch,
    ) -> Step {
        if let Some(current) = &self.current
            && is_within(current.fetched_at, Verifier::FRESH_FOR, now)
            && current.verifier.has_key(kid)
        {
            return Step::Verify(Arc::clone(&current.verifier));
        }
        if let Some(fetch) = self.pending_or_new_fetch(now, fetch) {
            return Step::Wait(fetch);
        }
        match self.current(now) {
            Ok(verifier) => Step::Verify(verifier),
            Err(error) => Step::Fail(error),
        }
    }

    /// Returns the fetch in progress, or a new one if the last one began long enough ago.
    fn pending_or_new_fetch(&mut self, now: Timestamp, fetch: &dyn Fn() -> Fetch) -> Option<Fetch> {
        if let Some(pending) = &self.pending
            && is_within(pending.started_at, Verifier::FETCH_TIMEOUT, now)
        {
            return Some(pending.fetch.clone());
        }
        if let Some(last_started) = self.last_started
            && is_within(last_started, Verifier::MIN_FETCH_INTERVAL, now)
        {
            return None;
        }
        self.last_started = Some(now);
        let pending = self.pending.insert(PendingFetch { fetch: fetch(), started_at: now });
        Some(pending.fetch.clone())
    }

    /// Stores the result of a fetch. Every caller that waited for it calls this, and only the first
    /// call has an effect.
    pub(super) fn complete(
        &mut self,
        fetch: &Fetch,
        fetched: Fetched,
        verifier: impl FnOnce(&JwkSet) -> Result<AccessTokenVerifier, KeyError>,
    ) {
        let Some(done) = self.pending.take_if(|pending| pending.fetch.ptr_eq(fetch)) else {
            return;
        };
        let set = match fetched {
            Ok(set) => set,
            Err(error) => {
                self.last_error = Some(error);
                return;
            }
        };
        // Keep the verifier if the keys are unchanged: it caches the tokens that it has verified.
        if let Some(current) = &mut self.current
            && current.set == set
        {
            current.fetched_at = done.started_at;
            return;
        }
        match verifier(&set) {
            Ok(verifier) => {
                let verifier = Arc::new(verifier);
                self.current = Some(CurrentKeys { set, verifier, fetched_at: done.started_at });
            }
            Err(error) => self.last_error = Some(FetchError::from(Box::from(error))),
        }
    }

    /// Returns the current keys. If there are none or they are too old, returns the last error.
    pub(super) fn current(&self, now: Timestamp) -> Result<Arc<AccessTokenVerifier>, FetchError> {
        match &self.current {
            Some(current)
                if now < current.fetched_at
                    || is_within(current.fetched_at, Verifier::STALE_AFTER, now) =>
            {
                Ok(Arc::clone(&current.verifier))
            }
            _ => Err(self
                .last_error
                .clone()
                .unwrap_or_else(|| FetchError::from(Box::from(KeyError::NoKeys)))),
        }
    }
}

/// Returns `true` if `now` is less than `duration` after `start`, and `false` if it is before
/// `start` because the clock was set back.
fn is_within(start: Timestamp, duration: Duration, now: Timestamp) -> bool {
    start <= now && now.duration_since(start).unsigned_abs() < duration
}
