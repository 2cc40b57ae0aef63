use super::report::Finding;
use crate::memory::{HashMemory, mib};

const MEMORY: &str = "memory";

/// Checks that imported password hashes can be verified within the memory limit of this process.
pub(super) fn memory(hashes: &HashMemory, limit: Option<u64>) -> Finding {
    if hashes.largest == 0 {
        return Finding::ok(MEMORY, "no password hash needs much memory");
    }
    match hashes.check(limit) {
        Some(warning) => Finding::warn(MEMORY, warning),
        None => Finding::ok(
            MEMORY,
            format!(
                "verifying imported password hashes takes up to {} ({} each)",
                mib(hashes.needed()),
                mib(hashes.largest)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Ok, Warn};
    use super::*;

    #[test]
    fn hashes_that_need_more_than_the_limit_are_a_warning() {
        for (largest, limit, level) in
            [(0, 1 << 20, Ok), (64 << 20, 800 << 20, Ok), (64 << 20, 799 << 20, Warn)]
        {
            let hashes = HashMemory { largest, budget: 256 << 20, threads: 2 };
            assert_eq!(memory(&hashes, Some(limit)).level, level);
            assert_eq!(memory(&hashes, None).level, Ok);
        }
    }
}
