use std::cell::{Cell, RefCell};

use super::deadline::Deadline;
use super::inquiry::Inquiry;
use super::single_flight::SingleFlight;
use crate::api::ApiError;
use crate::navigation::Notice;
use crate::tabs::Tabs;

/// What is known beside the state, and changes without anything to render.
#[derive(Default)]
pub(super) struct Memory {
    /// The question what the token is worth.
    pub(super) inquiry: Inquiry,
    /// The renewal of the token, which answers with the new one.
    pub(super) renewal: SingleFlight<Result<String, ApiError>>,
    /// Whether the user has asked for the end and the server is being told.
    pub(super) ending: Cell<bool>,
    /// Why the session is over, if its user has not ended it.
    pub(super) loss: Cell<Option<Notice>>,
    /// The session that the browser stayed signed in to when this tab was left by its user:
    /// somebody else's, which does not make the tab theirs.
    pub(super) declined: RefCell<Option<String>>,
    /// The other tabs of this browser.
    pub(super) tabs: Tabs,
    deadline: Cell<Option<Deadline>>,
    era: Cell<u32>,
}

/// A time with one session, or without any. What was begun in another must not touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Era(u32);

impl Memory {
    /// The one that it is now.
    pub(super) const fn era(&self) -> Era {
        Era(self.era.get())
    }

    /// Begins another, in which nothing is known yet and nothing is under way.
    pub(super) fn begin_era(&self) {
        self.era.set(self.era.get().wrapping_add(1));
        self.inquiry.cancel();
        self.renewal.close();
        self.deadline.take();
    }

    pub(super) fn set_deadline(&self, deadline: Deadline) {
        self.deadline.set(Some(deadline));
    }

    /// Whether the token is known to be about to expire. After a page load nothing is known.
    pub(super) fn is_past_deadline(&self, now_ms: f64) -> bool {
        self.deadline.get().is_some_and(|deadline| deadline.has_passed(now_ms))
    }
}

#[cfg(test)]
mod tests {
    use api_types::{TokenResponse, TokenType};

    use super::*;

    #[test]
    fn a_new_era_knows_nothing_of_the_one_before() {
        let memory = Memory::default();
        let (era, question) = (memory.era(), memory.inquiry.start());
        let access_token = "token".to_owned();
        let answer = TokenResponse { access_token, token_type: TokenType::Bearer, expires_in: 1 };
        memory.set_deadline(Deadline::of(&answer, 0.0));
        assert!(memory.is_past_deadline(1_000.0));

        memory.begin_era();
        assert_ne!(memory.era(), era);
        assert!(!memory.is_past_deadline(1_000.0));
        assert!(!memory.inquiry.finish(question));
    }
}
