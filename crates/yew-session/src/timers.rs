//! The timers of the checks of an open page's session.

use std::cell::{Cell, RefCell};

use gloo_timers::callback::Timeout;

/// The minimum time between two checks that events have caused.
pub(crate) const MIN_INTERVAL_MS: f64 = 2_000.0;

/// The longest delay of a timer in browsers: 2^31 - 1 ms.
const MAX_DELAY_MS: f64 = 2_147_483_647.0;

/// The timers of the next checks. They stop when the session ends.
#[derive(Default)]
pub(crate) struct Timers {
    /// The time of the last check.
    pub(crate) last_check: Cell<Option<f64>>,
    /// `true` while a check is waiting for its answer.
    pub(crate) is_checking: Cell<bool>,
    pub(crate) after_event: RefCell<Option<Timeout>>,
    pub(crate) before_token_expires: RefCell<Option<Timeout>>,
    pub(crate) after_end: RefCell<Option<Timeout>>,
}

impl Timers {
    pub(crate) fn stop(&self) {
        self.after_event.take();
        self.before_token_expires.take();
        self.after_end.take();
    }
}

/// Returns the milliseconds from an event to the check that it causes.
pub(crate) fn delay_of_event(last_ms: Option<f64>, now_ms: f64) -> f64 {
    last_ms.map_or(0.0, |last| (last + MIN_INTERVAL_MS - now_ms).max(0.0))
}

/// Starts a timer, or returns `None` if browsers have no timer of this length.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the delay is between 0 and 2^31 ms"
)]
pub(crate) fn start(delay_ms: f64, callback: impl FnOnce() + 'static) -> Option<Timeout> {
    (0.0..=MAX_DELAY_MS).contains(&delay_ms).then(|| Timeout::new(delay_ms as u32, callback))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_cause_at_most_one_check_per_interval() {
        assert_eq!(delay_of_event(None, 5_000.0), 0.0);
        assert_eq!(delay_of_event(Some(5_000.0), 5_500.0), 1_500.0);
        assert_eq!(delay_of_event(Some(5_000.0), 7_000.0), 0.0);
        assert_eq!(delay_of_event(Some(5_000.0), 90_000.0), 0.0);
    }
}
