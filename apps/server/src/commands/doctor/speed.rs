use std::thread;
use std::time::Duration;

use auth_core::{Password, PasswordHasher};

use super::report::Finding;
use crate::output::count;

const SPEED: &str = "speed";
/// With a hash this slow, users notice the delay at log-in.
const TOO_SLOW: Duration = Duration::from_secs(1);
/// With a hash faster than this, passwords are easy to guess from stolen hashes.
const TOO_FAST: Duration = Duration::from_millis(20);

/// How fast this machine hashes passwords.
pub(super) struct Speed {
    pub(super) iterations: u32,
    /// The duration of one hash on one core.
    pub(super) one: Duration,
    /// The number of hashes per second on all cores.
    pub(super) per_second: f64,
    pub(super) cores: usize,
}

/// Checks that a hash is neither too slow nor too fast.
pub(super) fn speed(speed: &Speed) -> Finding {
    let Speed { iterations, one, per_second, cores } = speed;
    let millis = one.as_millis();
    let measured = format!(
        "a hash takes {millis} ms; {per_second:.1} hashes per second on {}",
        count(*cores, "core")
    );
    if *one >= TOO_SLOW {
        let text = format!(
            "{measured}: log-ins are slow; use a faster machine, or lower --pbkdf2-iterations, but not below {}",
            PasswordHasher::DEFAULT_ITERATIONS
        );
        return Finding::warn(SPEED, text);
    }
    if *one < TOO_FAST {
        let text = format!(
            "{measured}: passwords are easy to guess from stolen hashes; raise --pbkdf2-iterations above {iterations}"
        );
        return Finding::warn(SPEED, text);
    }
    Finding::ok(SPEED, measured)
}

impl Speed {
    /// Measures one hash on one core, then hashes on all cores for about `time`.
    pub(super) fn measure(iterations: u32, time: Duration) -> Self {
        let one = timed(|| hash(iterations));
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let rounds = (time.as_secs_f64() / one.as_secs_f64().max(1e-6)).clamp(1.0, 1_000.0);
        let each = std::iter::successors(Some(1_u32), |n| Some(n + 1))
            .take_while(|n| f64::from(*n) <= rounds);
        let each = each.last().unwrap_or(1);
        let all = timed(|| {
            thread::scope(|scope| {
                for _ in 0..cores {
                    scope.spawn(|| (0..each).for_each(|_| hash(iterations)));
                }
            });
        });
        let hashes = f64::from(each) * f64::from(u32::try_from(cores).unwrap_or(u32::MAX));
        Self { iterations, one, per_second: hashes / all.as_secs_f64().max(1e-6), cores }
    }
}

/// Does the work of a log-in to an unknown account, which is the same as that of any log-in.
fn hash(iterations: u32) {
    if let Ok(hasher) = PasswordHasher::new(iterations) {
        let _ =
            std::hint::black_box(hasher.verify(&Password::new("a long walk along the sea"), None));
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures the speed of the machine")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Ok, Warn};
    use super::*;

    #[test]
    fn a_hash_that_is_too_slow_or_too_fast_is_a_warning() {
        for (millis, level) in [(19, Warn), (20, Ok), (999, Ok), (1_000, Warn)] {
            let one = Duration::from_millis(millis);
            let found = speed(&Speed { iterations: 600_000, one, per_second: 4.25, cores: 2 });
            assert_eq!(found.level, level, "{}", found.text);
            assert!(found.text.contains("4.2 hashes per second on 2 cores"), "{}", found.text);
        }
    }

    #[test]
    fn the_configured_iterations_are_measured() {
        let measured = Speed::measure(1_000, Duration::ZERO);
        assert_eq!(measured.iterations, 1_000);
        assert!(measured.one > Duration::ZERO && measured.per_second > 0.0);
    }
}
