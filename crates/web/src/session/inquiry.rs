use std::cell::Cell;

/// The question to the server that is under way. Only the answer to the last one counts.
#[derive(PartialEq, Default)]
pub(super) struct Inquiry {
    number: Cell<u32>,
    open: Cell<bool>,
}

impl Inquiry {
    /// Begins a question and returns its number.
    pub(super) fn start(&self) -> u32 {
        self.cancel();
        self.open.set(true);
        self.number.get()
    }

    /// Whether one is under way.
    pub(super) fn is_open(&self) -> bool {
        self.open.get()
    }

    /// Takes the answer to question `number`, and tells whether it counts.
    pub(super) fn finish(&self, number: u32) -> bool {
        let counts = self.open.get() && self.number.get() == number;
        if counts {
            self.open.set(false);
        }
        counts
    }

    /// Lets no answer count that is still to come.
    pub(super) fn cancel(&self) {
        self.number.set(self.number.get().wrapping_add(1));
        self.open.set(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_answer_to_the_last_question_counts() {
        let inquiry = Inquiry::default();
        let first = inquiry.start();
        let second = inquiry.start();
        assert!(!inquiry.finish(first));
        assert!(inquiry.finish(second));
        assert!(!inquiry.finish(second), "and it counts once");
    }

    #[test]
    fn no_answer_counts_after_the_end() {
        let inquiry = Inquiry::default();
        let question = inquiry.start();
        inquiry.cancel();
        assert!(!inquiry.finish(question));
    }
}
