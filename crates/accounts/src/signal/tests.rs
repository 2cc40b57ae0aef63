use std::collections::HashSet;

use auth_core::SystemRandom;
use tokio::time::Instant;

use super::*;

const INTERVAL: Duration = Duration::from_secs(10);

/// A source that repeats a number.
struct FixedRandom(u64);

impl Random for FixedRandom {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0.to_le_bytes());
    }
}

#[test]
fn work_is_delayed_by_up_to_a_second() {
    for (number, millis) in [(0, 0), (1, 1), (1_000, 1_000), (1_001, 0), (2_503, 501)] {
        assert_eq!(random_delay(&FixedRandom(number)), Duration::from_millis(millis));
    }
    let delays: HashSet<_> = (0..1_000).map(|_| random_delay(&SystemRandom)).collect();
    assert!(delays.iter().all(|delay| *delay <= Duration::from_secs(1)));
    assert!(delays.len() > 500, "{} of 1,000 delays differ", delays.len());
}

#[tokio::test(start_paused = true)]
async fn work_begins_at_a_random_time_after_a_signal_or_periodically() {
    let (requests, random) = (Signal::default(), FixedRandom(700));
    let waited = async || {
        let start = Instant::now();
        wait_for_signal(&requests, INTERVAL, &random).await;
        start.elapsed()
    };
    requests.notify();
    assert_eq!(waited().await, Duration::from_millis(700));
    assert_eq!(waited().await, INTERVAL);
}
