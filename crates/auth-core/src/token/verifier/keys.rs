//! The keys that a [`Verifier`] holds, and when it fetches others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::{FetchError, Verifier};
use crate::{AccessTokenVerifier, JwkSet, KeyError};

/// A fetch in progress, shared by all callers that wait for it; any of them drives it.
pub(super) type Fetch = Shared<BoxFuture<'static, Fetched>>;

pub(super) type Fetched = Result<JwkSet, FetchError>;

#[derive(Default)]
pub(super) struct Keys {
    current: Option<CurrentKeys>,
    pending: Option<PendingFetch>,
    /// When the last fetch began.
    started: Option<Timestamp>,
    failure: Option<FetchError>,
}

struct CurrentKeys {
    set: JwkSet,
    verifier: Arc<AccessTokenVerifier>,
    fetched: Timestamp,
}

struct PendingFetch {
    fetch: Fetch,
    started: Timestamp,
}

/// What to do with a token.
pub(super) enum Next {
    Verify(Arc<AccessTokenVerifier>),
    Wait(Fetch),
    Fail(FetchError),
}

impl Keys {
    /// Returns what to do at `now` with a token that names the key `kid`.
    pub(super) fn next(&mut self, kid: &str, now: Timestamp, fetch: &dyn Fn() -> Fetch) -> Next {
        if let Some(current) = &self.current
            && is_within(current.fetched, Verifier::FRESH_FOR, now)
            && current.verifier.has_key(kid)
        {
            return Next::Verify(Arc::clone(&current.verifier));
        }
        if let Some(fetch) = self.fetch(now, fetch) {
            return Next::Wait(fetch);
        }
        self.current(now).map_or_else(Next::Fail, Next::Verify)
    }

    /// Returns the fetch in progress or, if the last one is long enough ago, a new one.
    fn fetch(&mut self, now: Timestamp, fetch: &dyn Fn() -> Fetch) -> Option<Fetch> {
        let under_way = self.pending.as_ref();
        if let Some(it) = under_way.filter(|it| is_within(it.started, Verifier::FETCH_TIMEOUT, now))
        {
            return Some(it.fetch.clone());
        }
        if self.started.is_some_and(|started| is_within(started, Verifier::MIN_FETCH_INTERVAL, now))
        {
            return None;
        }
        self.started = Some(now);
        let under_way = self.pending.insert(PendingFetch { fetch: fetch(), started: now });
        Some(under_way.fetch.clone())
    }

    /// Stores the result of a fetch, once.
    pub(super) fn complete(
        &mut self,
        fetch: &Fetch,
        fetched: Fetched,
        verifier: impl FnOnce(&JwkSet) -> Result<AccessTokenVerifier, KeyError>,
    ) {
        let Some(it) = self.pending.take_if(|it| it.fetch.ptr_eq(fetch)) else { return };
        match fetched {
            // A verifier caches what it has verified: keep it if the keys are unchanged.
            Ok(set) if self.current.as_ref().is_some_and(|current| current.set == set) => {
                self.current.iter_mut().for_each(|current| current.fetched = it.started);
            }
            Ok(set) => match verifier(&set) {
                Ok(verifier) => {
                    let (verifier, fetched) = (Arc::new(verifier), it.started);
                    self.current = Some(CurrentKeys { set, verifier, fetched });
                }
                Err(error) => self.failure = Some(FetchError::from(Box::from(error))),
            },
            Err(error) => self.failure = Some(error),
        }
    }

    /// Returns the current keys, unless they are too old.
    pub(super) fn current(&self, now: Timestamp) -> Result<Arc<AccessTokenVerifier>, FetchError> {
        match &self.current {
            Some(current)
                if now < current.fetched
                    || is_within(current.fetched, Verifier::STALE_AFTER, now) =>
            {
                Ok(Arc::clone(&current.verifier))
            }
            _ => Err(self
                .failure
                .clone()
                .unwrap_or_else(|| FetchError::from(Box::from(KeyError::None)))),
        }
    }
}

/// Whether `now` is less than `time` after `start`. If the clock was set back to before `start`, it
/// is not.
fn is_within(start: Timestamp, time: Duration, now: Timestamp) -> bool {
    start <= now && now.duration_since(start).unsigned_abs() < time
}
