use accounts::Timestamp;

use super::report::Finding;

const CLOCK: &str = "clock";
/// When this was written: the present is later.
const NOT_BEFORE: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A clock that is behind lets sessions live too long, and refuses tokens that were issued
/// before it was set back.
pub(super) fn clock(now: Timestamp, newest: Option<Timestamp>) -> Finding {
    if now < NOT_BEFORE {
        let text = format!("it is {now:.0} by the clock, which is past; set it, with NTP say");
        return Finding::fail(CLOCK, text);
    }
    match newest {
        Some(newest) if now < newest => Finding::warn(
            CLOCK,
            format!(
                "it is {now:.0} by the clock, but the database was written to at {newest:.0}; set the clock, with NTP say"
            ),
        ),
        _ => Finding::ok(CLOCK, format!("it is {now:.0}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::report::Level::{Fail, Ok, Warn};
    use super::*;

    #[test]
    fn a_clock_is_not_behind_what_was_written_nor_in_the_past() {
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
