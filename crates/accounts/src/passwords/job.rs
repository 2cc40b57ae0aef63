use auth_core::HashJob;

/// A job of a [`Pool`](super::pool::Pool).
pub(crate) trait Job: Send + 'static {
    /// Returns the resources that the job needs. They are the same at each call.
    fn demand(&self) -> Demand;
}

/// The resources that a job needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// A slot in a batch.
    Batchable,
    /// A thread of its own, and memory. The memory is 0 for a job that is not memory-hard.
    Alone { memory_bytes: u64 },
}

impl Demand {
    pub(super) const fn memory_bytes(self) -> u64 {
        match self {
            Self::Batchable => 0,
            Self::Alone { memory_bytes } => memory_bytes,
        }
    }
}

impl Job for HashJob {
    fn demand(&self) -> Demand {
        if self.is_batchable() {
            Demand::Batchable
        } else {
            Demand::Alone { memory_bytes: self.memory_bytes() }
        }
    }
}
