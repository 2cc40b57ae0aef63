//! Requests that are replaced by later ones.

use std::cell::Cell;

/// Tracks requests of which only the latest matters.
#[derive(Default)]
pub(crate) struct LatestRequest {
    number: Cell<u32>,
    is_pending: Cell<bool>,
}

impl LatestRequest {
    /// Starts a request and returns its number.
    pub(crate) fn start(&self) -> u32 {
        self.cancel();
        self.is_pending.set(true);
        self.number.get()
    }

    pub(crate) fn is_pending(&self) -> bool {
        self.is_pending.get()
    }

    /// Ends request `number`, and returns whether its answer counts.
    pub(crate) fn finish(&self, number: u32) -> bool {
        let counts = self.is_pending.get() && self.number.get() == number;
        if counts {
            self.is_pending.set(false);
        }
        counts
    }

    /// Ignores the answers to all earlier requests.
    pub(crate) fn cancel(&self) {
        self.number.set(self.number.get().wrapping_add(1));
        self.is_pending.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_latest_request_counts() {
        let check = LatestRequest::default();
        let first = check.start();
        let second = check.start();
        assert!(!check.finish(first));
        assert!(check.finish(second));
        assert!(!check.finish(second), "an answer counts only once");
    }

    #[test]
    fn the_answer_to_a_cancelled_request_is_ignored() {
        let check = LatestRequest::default();
        let number = check.start();
        check.cancel();
        assert!(!check.finish(number));
    }
}
