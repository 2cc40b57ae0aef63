//! The keys of a [`Verifier`], and the rules for fetching them.

use std::sync::Arc;
use std::time::Duration;

use futures_channel::oneshot;
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use jiff::Timestamp;

use super::{FetchError, Verifier};
use crate::token::jwk::{JwkSet, KeyError};
use crate::token::verify::AccessTokenVerifier;

/// The current keys and the state of fetching them.
pub(super) struct Keys {
    issuer: String,
    audience: String,
    current: Option<CurrentKeys>,
    pending: Option<PendingFetch>,
    last_id: FetchId,
    /// The start of the last finished fetch, even a failed one.
    last_finished: Option<Timestamp>,
    /// The earliest start of the next fetch. `None` before the first one.
    next_fetch: Option<Timestamp>,
    /// The number of failed fetches since the last successful one.
    failures: u32,
    last_error: FetchError,
}

struct CurrentKeys {
    set: JwkSet,
    verifier: Arc<AccessTokenVerifier>,
    fetched_at: Timestamp,
}

struct PendingFetch {
    id: FetchId,
    started_at: Timestamp,
    ended: Ended,
    waiters: Waiters,
}

/// Distinguishes a fetch from earlier ones, which may still run after they were abandoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FetchId(u64);

/// Completes when a fetch has ended.
pub(super) type Ended = Shared<oneshot::Receiver<()>>;

/// The callers that wait for a fetch. They continue when this is dropped, which must happen after
/// the lock of the [`Keys`] has been released.
pub(super) type Waiters = oneshot::Sender<()>;

/// A step in verifying a token, and the fetch to start before it.
pub(super) struct NextStep {
    pub(super) step: Step,
    /// The fetch to start first, if any.
    pub(super) start: Option<FetchId>,
    /// The waiters of a fetch that took too long.
    pub(super) abandoned: Option<Waiters>,
}

/// The next step in verifying a token.
pub(super) enum Step {
    /// Verify the token with these keys.
    Verify(Arc<AccessTokenVerifier>),
    /// Wait for a fetch first.
    Wait(Ended),
    /// Fail: the key is not available, and it is too early to fetch the keys again.
    Fail(FetchError),
}

impl Keys {
    pub(super) fn new(issuer: String, audience: String) -> Self {
        Self {
            issuer,
            audience,
            current: None,
            pending: None,
            last_id: FetchId(0),
            last_finished: None,
            next_fetch: None,
            failures: 0,
            last_error: FetchError::from(Box::from(KeyError::NoKeys)),
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns the next step in verifying a token that names the key `kid`, at the time `now`.
    pub(super) fn next_step(&mut self, kid: &str, now: Timestamp) -> NextStep {
        self.adapt_to_clock(now);
        let abandoned = self.abandon_overdue_fetch(now);
        let usable = self.usable(kid, now);
        let knows_key = usable.as_ref().is_ok_and(|verifier| verifier.has_key(kid));
        let start = match knows_key && self.is_fresh(now) {
            true => None,
            false => self.start_fetch(now),
        };
        // After a pause, a known key may have been retired long ago.
        let is_pause = self.last_finished.is_none_or(|at| elapsed(at, now) >= Verifier::WAIT_AFTER);
        let step = match (usable, &self.pending) {
            (Ok(verifier), _) if knows_key && !is_pause => Step::Verify(verifier),
            (_, Some(pending)) => Step::Wait(pending.ended.clone()),
            (Ok(verifier), None) => Step::Verify(verifier),
            (Err(error), None) => Step::Fail(error),
        };
        NextStep { step, start, abandoned }
    }

    /// Returns the current keys, for a token that names the key `kid`. Returns the last error if
    /// there are none, if they are too old, or if the key is unknown and the last fetch has failed.
    /// In that case the token may be valid, so it must not be reported as invalid.
    pub(super) fn usable(
        &self,
        kid: &str,
        now: Timestamp,
    ) -> Result<Arc<AccessTokenVerifier>, FetchError> {
        if let Some(current) = &self.current
            && elapsed(current.fetched_at, now) < Verifier::STALE_AFTER
            && (current.verifier.has_key(kid) || self.failures == 0)
        {
            return Ok(Arc::clone(&current.verifier));
        }
        Err(Arc::clone(&self.last_error))
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        let current = self.current.as_ref();
        current.is_some_and(|current| elapsed(current.fetched_at, now) < Verifier::FRESH_FOR)
    }

    /// If the clock was set back, measures all times from `now`, so that a wrong clock can extend
    /// them only once.
    fn adapt_to_clock(&mut self, now: Timestamp) {
        if let Some(current) = &mut self.current {
            current.fetched_at = current.fetched_at.min(now);
        }
        if let Some(pending) = &mut self.pending {
            pending.started_at = pending.started_at.min(now);
        }
        self.last_finished = self.last_finished.map(|at| at.min(now));
        let latest = after(now, Verifier::MAX_FETCH_INTERVAL);
        self.next_fetch = self.next_fetch.map(|at| at.min(latest));
    }

    fn abandon_overdue_fetch(&mut self, now: Timestamp) -> Option<Waiters> {
        let is_overdue = |pending: &mut PendingFetch| {
            elapsed(pending.started_at, now) >= Verifier::FETCH_TIMEOUT
        };
        let pending = self.pending.take_if(is_overdue)?;
        self.fail(pending.started_at, FetchError::from(Box::from("the fetch took too long")));
        Some(pending.waiters)
    }

    /// Registers a new fetch, unless one is pending or the last one began too recently.
    fn start_fetch(&mut self, now: Timestamp) -> Option<FetchId> {
        if self.pending.is_some() || self.next_fetch.is_some_and(|next| now < next) {
            return None;
        }
        self.last_id = FetchId(self.last_id.0 + 1);
        self.next_fetch = Some(after(now, Verifier::MIN_FETCH_INTERVAL));
        let (waiters, receiver) = oneshot::channel();
        let ended = receiver.shared();
        self.pending = Some(PendingFetch { id: self.last_id, started_at: now, ended, waiters });
        Some(self.last_id)
    }

    /// Stores the result of a fetch, unless the fetch has already ended or was abandoned. Returns
    /// its waiters.
    #[must_use]
    pub(super) fn complete(
        &mut self,
        id: FetchId,
        fetched: Result<JwkSet, FetchError>,
    ) -> Option<Waiters> {
        let pending = self.pending.take_if(|pending| pending.id == id)?;
        let stored = match fetched {
            Ok(set) => self.store(set, pending.started_at),
            Err(error) => Err(error),
        };
        match stored {
            Ok(()) => {
                self.last_finished = Some(pending.started_at);
                self.failures = 0;
            }
            Err(error) => self.fail(pending.started_at, error),
        }
        Some(pending.waiters)
    }

    fn store(&mut self, set: JwkSet, fetched_at: Timestamp) -> Result<(), FetchError> {
        // Keep the verifier if the keys are unchanged: it caches the tokens that it has verified.
        if let Some(current) = &mut self.current
            && current.set == set
        {
            current.fetched_at = fetched_at;
            return Ok(());
        }
        let verifier = AccessTokenVerifier::new(&*self.issuer, &*self.audience, &set)
            .map_err(|error| FetchError::from(Box::from(error)))?;
        self.current = Some(CurrentKeys { set, verifier: Arc::new(verifier), fetched_at });
        Ok(())
    }

    fn fail(&mut self, started_at: Timestamp, error: FetchError) {
        self.next_fetch = Some(after(started_at, fetch_interval(self.failures)));
        self.last_finished = Some(started_at);
        self.failures = self.failures.saturating_add(1);
        self.last_error = error;
    }
}

/// Returns the time between the starts of a failed fetch and the next one, given the number of
/// failures before it.
fn fetch_interval(earlier_failures: u32) -> Duration {
    let factor = 1 << earlier_failures.min(16);
    (Verifier::MIN_FETCH_INTERVAL * factor).min(Verifier::MAX_FETCH_INTERVAL)
}

fn after(start: Timestamp, duration: Duration) -> Timestamp {
    start.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

/// Returns the time from `start` to `now`. It is zero if `now` is earlier.
fn elapsed(start: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(start)).unwrap_or_default()
}
