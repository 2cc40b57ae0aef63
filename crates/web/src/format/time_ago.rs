use super::count;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Formats an age, such as `5 minutes ago`. A time in the future is `just now`, because clocks
/// differ.
#[must_use]
pub fn time_ago(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..MINUTE => return "just now".to_owned(),
        MINUTE..HOUR => (seconds / MINUTE, "minute"),
        HOUR..DAY => (seconds / HOUR, "hour"),
        DAY.. => (seconds / DAY, "day"),
    };
    format!("{} ago", count(number.unsigned_abs(), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_unit_that_fits_is_used() {
        for (seconds, words) in [
            (59, "just now"),
            (60, "1 minute ago"),
            (3_599, "59 minutes ago"),
            (3_600, "1 hour ago"),
            (86_399, "23 hours ago"),
            (86_400, "1 day ago"),
            (400 * 86_400, "400 days ago"),
        ] {
            assert_eq!(time_ago(seconds), words);
        }
    }

    #[test]
    fn a_time_in_the_future_is_just_now() {
        for seconds in [0, -1, -86_400, i64::MIN] {
            assert_eq!(time_ago(seconds), "just now");
        }
    }
}
