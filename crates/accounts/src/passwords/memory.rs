/// The memory that memory-hard jobs may use together. It is acquired before a job allocates
/// anything.
#[derive(Debug)]
pub(super) struct MemoryBudget {
    limit: u64,
    in_use: u64,
    #[cfg(test)]
    max_in_use: u64,
}

impl MemoryBudget {
    /// Builds a budget of `limit` bytes.
    pub(super) const fn new(limit: u64) -> Self {
        Self {
            limit,
            in_use: 0,
            #[cfg(test)]
            max_in_use: 0,
        }
    }

    /// Acquires memory, and returns `true`, if the budget has room for it. A request that exceeds
    /// the whole budget is granted while no other memory is in use.
    pub(super) fn try_acquire(&mut self, bytes: u64) -> bool {
        let total = self.in_use.saturating_add(bytes);
        if self.in_use > 0 && total > self.limit {
            return false;
        }
        self.in_use = total;
        #[cfg(test)]
        {
            self.max_in_use = self.max_in_use.max(total);
        }
        true
    }

    /// Returns memory to the budget.
    pub(super) const fn release(&mut self, bytes: u64) {
        self.in_use = self.in_use.saturating_sub(bytes);
    }

    /// Returns the memory in use, in bytes.
    #[cfg(test)]
    pub(super) const fn in_use(&self) -> u64 {
        self.in_use
    }

    /// Returns the most memory that was in use at any time, in bytes.
    #[cfg(test)]
    pub(super) const fn max_in_use(&self) -> u64 {
        self.max_in_use
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_granted_up_to_the_limit() {
        let mut budget = MemoryBudget::new(100);
        assert!(budget.try_acquire(60) && budget.try_acquire(40));
        assert!(!budget.try_acquire(1));
        budget.release(40);
        assert!(!budget.try_acquire(41));
        assert!(budget.try_acquire(40));
        assert_eq!(budget.in_use(), 100);
    }

    #[test]
    fn a_request_larger_than_the_budget_is_granted_alone() {
        let mut budget = MemoryBudget::new(100);
        assert!(budget.try_acquire(1));
        assert!(!budget.try_acquire(500));
        budget.release(1);
        assert!(budget.try_acquire(500));
        assert!(!budget.try_acquire(1) && !budget.try_acquire(500));
        budget.release(500);
        assert!(budget.try_acquire(1));
    }

    #[test]
    fn a_rejected_request_acquires_nothing() {
        let mut budget = MemoryBudget::new(100);
        assert!(budget.try_acquire(70));
        assert!(!budget.try_acquire(u64::MAX));
        assert_eq!(budget.in_use(), 70);
    }
}
