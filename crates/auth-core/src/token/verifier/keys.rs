//! The keys that a [`Verifier`] holds, and when it fetches others.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use super::{FetchError, Verifier};
use crate::{AccessTokenVerifier, JwkSet, KeyError};

/// A fetch that is under way. All who wait for it share it, and any of them moves it on.
pub(super) type Fetch = Shared<BoxFuture<'static, Fetched>>;

pub(super) type Fetched = Result<JwkSet, FetchError>;

#[derive(Default)]
pub(super) struct Keys {
    held: Option<Held>,
    under_way: Option<UnderWay>,
    /// When the last fetch was begun.
    begun: Option<Timestamp>,
    failure: Option<FetchError>,
}

struct Held {
    set: JwkSet,
    verifier: Arc<AccessTokenVerifier>,
    fetched: Timestamp,
}

struct UnderWay {
    fetch: Fetch,
    begun: Timestamp,
}

/// What is to be done about a token.
pub(super) enum Next {
    Verify(Arc<AccessTokenVerifier>),
    Wait(Fetch),
    Refuse(FetchError),
}

impl Keys {
    /// What is to be done at `now` about a token that names the key `kid`.
    pub(super) fn next(&mut self, kid: &str, now: Timestamp, fetch: &dyn Fn() -> Fetch) -> Next {
        if let Some(held) = &self.held
            && is_within(held.fetched, Verifier::FRESH_FOR, now)
            && held.verifier.has_key(kid)
        {
            return Next::Verify(Arc::clone(&held.verifier));
        }
        if let Some(fetch) = self.fetch(now, fetch) {
            return Next::Wait(fetch);
        }
        self.held(now).map_or_else(Next::Refuse, Next::Verify)
    }

    /// The fetch that is under way, or a new one, if it is time.
    fn fetch(&mut self, now: Timestamp, fetch: &dyn Fn() -> Fetch) -> Option<Fetch> {
        let under_way = self.under_way.as_ref();
        if let Some(it) = under_way.filter(|it| is_within(it.begun, Verifier::FETCH_TIMEOUT, now)) {
            return Some(it.fetch.clone());
        }
        if self.begun.is_some_and(|begun| is_within(begun, Verifier::MIN_FETCH_INTERVAL, now)) {
            return None;
        }
        self.begun = Some(now);
        let under_way = self.under_way.insert(UnderWay { fetch: fetch(), begun: now });
        Some(under_way.fetch.clone())
    }

    /// Takes up what a fetch has brought, once.
    pub(super) fn take_up(
        &mut self,
        fetch: &Fetch,
        fetched: Fetched,
        verifier: impl FnOnce(&JwkSet) -> Result<AccessTokenVerifier, KeyError>,
    ) {
        let Some(it) = self.under_way.take_if(|it| it.fetch.ptr_eq(fetch)) else { return };
        match fetched {
            // A verifier remembers what it has seen: it is kept if the keys are the same.
            Ok(set) if self.held.as_ref().is_some_and(|held| held.set == set) => {
                self.held.iter_mut().for_each(|held| held.fetched = it.begun);
            }
            Ok(set) => match verifier(&set) {
                Ok(verifier) => {
                    let (verifier, fetched) = (Arc::new(verifier), it.begun);
                    self.held = Some(Held { set, verifier, fetched });
                }
                Err(error) => self.failure = Some(FetchError::from(Box::from(error))),
            },
            Err(error) => self.failure = Some(error),
        }
    }

    /// The keys that are held, if they are not too old.
    pub(super) fn held(&self, now: Timestamp) -> Result<Arc<AccessTokenVerifier>, FetchError> {
        match &self.held {
            Some(held)
                if now < held.fetched || is_within(held.fetched, Verifier::STALE_AFTER, now) =>
            {
                Ok(Arc::clone(&held.verifier))
            }
            _ => Err(self
                .failure
                .clone()
                .unwrap_or_else(|| FetchError::from(Box::from(KeyError::None)))),
        }
    }
}

/// Whether `now` is less than `time` after `start`. It is not if the clock was put back to before
/// that: then nothing is known of how long ago it was.
fn is_within(start: Timestamp, time: Duration, now: Timestamp) -> bool {
    start <= now && now.duration_since(start).unsigned_abs() < time
}
