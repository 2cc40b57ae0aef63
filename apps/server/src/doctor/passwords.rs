use std::thread;
use std::time::Duration;

use auth_core::{Password, PasswordHasher};

use super::report::Finding;

const PASSWORDS: &str = "passwords";
const SPEED: &str = "speed";
/// Who waits longer for a log-in wonders whether it works.
const SLOW: Duration = Duration::from_secs(1);
/// Who guesses at stolen hashes has machines like this one.
const QUICK: Duration = Duration::from_millis(20);

/// How quickly this machine hashes passwords.
pub(super) struct Speed {
    pub(super) iterations: u32,
    /// How long one takes, on one core.
    pub(super) one: Duration,
    /// How many all cores hash in a second.
    pub(super) per_second: f64,
    pub(super) cores: usize,
}

pub(super) fn iterations(iterations: u32) -> Finding {
    let default = PasswordHasher::DEFAULT_ITERATIONS;
    match iterations < default {
        true => Finding::warn(
            PASSWORDS,
            format!(
                "hashed with {iterations} iterations, which is less than {default}; leave out --pbkdf2-iterations"
            ),
        ),
        false => Finding::ok(PASSWORDS, format!("hashed with {iterations} iterations")),
    }
}

pub(super) fn speed(speed: &Speed) -> Finding {
    let Speed { iterations, one, per_second, cores } = speed;
    let millis = one.as_millis();
    let measured =
        format!("a hash takes {millis} ms; {cores} cores hash {per_second:.1} passwords a second");
    if *one >= SLOW {
        let text = format!(
            "{measured}: whoever logs in waits; use a faster machine, or lower --pbkdf2-iterations, but not under {}",
            PasswordHasher::DEFAULT_ITERATIONS
        );
        return Finding::warn(SPEED, text);
    }
    if *one < QUICK {
        let text = format!(
            "{measured}, with {iterations} iterations: --pbkdf2-iterations could be higher"
        );
        return Finding::warn(SPEED, text);
    }
    Finding::ok(SPEED, measured)
}

/// Whether guesses at passwords are limited.
pub(super) fn throttle(is_on: bool) -> Finding {
    match is_on {
        true => Finding::ok("throttle", "guesses at passwords are limited"),
        false => Finding::warn(
            "throttle",
            "anybody can guess at passwords without limit; leave out --throttle off",
        ),
    }
}

impl Speed {
    /// Hashes once on one core, then on all for about so long.
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

/// What a log-in to an account costs that does not exist, and so to any.
fn hash(iterations: u32) {
    if let Ok(hasher) = PasswordHasher::new(iterations) {
        let _ =
            std::hint::black_box(hasher.verify(&Password::new("a long walk along the sea"), None));
    }
}

#[expect(clippy::disallowed_methods, reason = "it is this machine that is measured")]
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
    fn fewer_iterations_than_the_default_are_warned_of() {
        for (number, level) in [(599_999, Warn), (600_000, Ok), (10_000_000, Ok)] {
            assert_eq!(iterations(number).level, level, "{number}");
        }
    }

    #[test]
    fn a_hash_that_takes_too_long_or_hardly_anything_is_warned_of() {
        for (millis, level) in [(19, Warn), (20, Ok), (999, Ok), (1_000, Warn)] {
            let one = Duration::from_millis(millis);
            let found = speed(&Speed { iterations: 600_000, one, per_second: 4.25, cores: 2 });
            assert_eq!(found.level, level, "{}", found.text);
            assert!(found.text.contains("4.2 passwords a second"), "{}", found.text);
        }
    }

    #[test]
    fn what_is_measured_is_what_was_asked_for() {
        let measured = Speed::measure(1_000, Duration::ZERO);
        assert_eq!(measured.iterations, 1_000);
        assert!(measured.one > Duration::ZERO && measured.per_second > 0.0);
    }

    #[test]
    fn a_throttle_that_is_off_is_warned_of() {
        assert_eq!([true, false].map(|on| throttle(on).level), [Ok, Warn]);
    }
}
