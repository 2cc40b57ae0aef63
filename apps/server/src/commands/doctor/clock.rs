use accounts::Timestamp;

use super::report::Finding;

const CLOCK: &str = "clock";
/// The start of the year in which this check was written. A correct clock is later.
const NOT_BEFORE: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// Checks that the clock is not behind. If it is, sessions live too long, and tokens that were
/// issued before the clock was set back are rejected.
pub(super) fn clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    if now < NOT_BEFORE {
        let text =
            format!("the clock is wrong: it says {now:.0}; synchronise it, for example with NTP");
        return Finding::fail(CLOCK, text);
    }
    match newest {
        Some(newest) if now < newest => Finding::warn(
            CLOCK,
            format!(
                "the clock says {now:.0}, but the database was written at {newest:.0}; synchronise the clock, for example with NTP"
            ),
        ),
        _ => Finding::ok(CLOCK, format!("the clock says {now:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::report::Level::{Fail, Ok, Warn};
    use super::*;

    #[test]
    fn a_clock_behind_the_database_is_a_warning_and_one_before_2026_fails() {
        let second = Duration::from_secs(1);
        assert_eq!(NOT_BEFORE.to_string(), "2026-01-01T00:00:00Z");
        for (now, newest, level) in [
            (NOT_BEFORE, None, Ok),
            (NOT_BEFORE, Some(NOT_BEFORE), Ok),
            (NOT_BEFORE, Some(NOT_BEFORE + second), Warn),
            (NOT_BEFORE - second, None, Fail),
        ] {
            assert_eq!(clock(now, newest).level, level);
        }
    }
}
