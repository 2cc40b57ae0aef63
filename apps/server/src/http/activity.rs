use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// The activity of a connection: idle, busy or evicted.
///
/// A connection is idle while it waits for its client: for a request, for the rest of a body, or
/// for the client to read a response. An idle connection can be evicted to make room for another,
/// or because the server stops. It is busy while the server works on a request, and is then never
/// evicted.
pub(super) struct Activity {
    opened: Instant,
    /// [`BUSY`], [`EVICTED`], or the time since `opened` at which the connection became idle, in
    /// microseconds.
    state: AtomicU64,
    evicted: Notify,
}

const BUSY: u64 = u64::MAX;
const EVICTED: u64 = u64::MAX - 1;

/// An error from continuing to work on a connection that was evicted.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed while it was idle")]
pub(super) struct Evicted;

/// The time at which a connection became idle. Valid only while the connection stays idle.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdleSince {
    pub(super) time: Instant,
    state: u64,
}

/// A request that the server works on. The connection is busy until this is dropped.
pub(super) struct Work(Arc<Activity>);

impl Activity {
    /// Returns the activity of a connection that has just been opened and waits for a request.
    pub(super) fn new() -> Self {
        Self { opened: Instant::now(), state: AtomicU64::new(0), evicted: Notify::new() }
    }

    /// Begins to work on a request.
    pub(super) fn begin_work(self: &Arc<Self>) -> Result<Work, Evicted> {
        self.resume_work()?;
        Ok(Work(Arc::clone(self)))
    }

    /// Records that the work is suspended until the client sends the rest of the body.
    pub(super) fn suspend_work(&self) {
        let now = self.now();
        self.update(|state| (state == BUSY).then_some(now));
    }

    /// Continues to work on a request after [`suspend_work`](Self::suspend_work).
    pub(super) fn resume_work(&self) -> Result<(), Evicted> {
        match self.update(|state| (state != EVICTED).then_some(BUSY)) {
            true => Ok(()),
            false => Err(Evicted),
        }
    }

    /// Records that the client has read a part of a response.
    pub(super) fn record_progress(&self) {
        let now = self.now();
        self.update(|state| is_idle(state).then_some(now));
    }

    /// Returns when the connection became idle, or `None` if it is not idle.
    pub(super) fn idle_since(&self) -> Option<IdleSince> {
        let state = self.state.load(Ordering::Acquire);
        if !is_idle(state) {
            return None;
        }
        Some(IdleSince { time: self.opened + Duration::from_micros(state), state })
    }

    /// Evicts the connection, unless it has been active since `idle` was determined. Returns
    /// whether it was evicted.
    pub(super) fn evict(&self, idle: IdleSince) -> bool {
        let is_evicted = self.update(|state| (state == idle.state).then_some(EVICTED));
        if is_evicted {
            self.evicted.notify_one();
        }
        is_evicted
    }

    /// Waits until the connection is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Changes the state if `change` returns a new one. Returns whether it did.
    fn update(&self, change: impl FnMut(u64) -> Option<u64>) -> bool {
        self.state.fetch_update(Ordering::AcqRel, Ordering::Acquire, change).is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.opened.elapsed().as_micros()).unwrap_or(EVICTED - 1)
    }
}

const fn is_idle(state: u64) -> bool {
    state < EVICTED
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.suspend_work();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_its_last_request_or_progress_on() {
        let opened = Instant::now();
        let activity = Arc::new(Activity::new());
        let idle_for = || activity.idle_since().map(|idle| idle.time - opened);
        assert_eq!(idle_for(), Some(Duration::ZERO));
        tokio::time::advance(Duration::from_secs(1)).await;
        let work = activity.begin_work().unwrap();
        assert_eq!(idle_for(), None);
        activity.record_progress();
        assert_eq!(idle_for(), None, "progress does not end the work");
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(work);
        assert_eq!(idle_for(), Some(Duration::from_secs(2)));
        tokio::time::advance(Duration::from_secs(1)).await;
        activity.record_progress();
        assert_eq!(idle_for(), Some(Duration::from_secs(3)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_waits_for_the_rest_of_a_body_is_idle() {
        let activity = Arc::new(Activity::new());
        let work = activity.begin_work().unwrap();
        activity.suspend_work();
        assert!(activity.idle_since().is_some());
        activity.resume_work().unwrap();
        assert!(activity.idle_since().is_none());
        activity.suspend_work();
        assert!(activity.evict(activity.idle_since().unwrap()));
        assert!(activity.resume_work().is_err());
        drop(work);
        assert!(activity.idle_since().is_none(), "it stays evicted");
    }

    #[tokio::test(start_paused = true)]
    async fn an_evicted_connection_begins_no_work() {
        let activity = Arc::new(Activity::new());
        let idle = activity.idle_since().unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(activity.begin_work().unwrap());
        assert!(!activity.evict(idle), "it has been active since");
        assert!(activity.evict(activity.idle_since().unwrap()));
        activity.evicted().await;
        assert!(activity.begin_work().is_err() && activity.idle_since().is_none());
        activity.record_progress();
        assert!(activity.begin_work().is_err());
    }
}
