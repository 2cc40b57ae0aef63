use jiff::Timestamp;

use super::SigningKey;

/// A signing key and the time from which it may sign. Until then, it is only published, so that
/// verifiers know it before they receive the first token that it has signed.
#[derive(Debug)]
pub struct ScheduledKey {
    /// The key.
    pub key: SigningKey,
    /// The time from which the key may sign.
    pub signs_from: Timestamp,
}

/// Returns the position of the key that signs at `now`, given the times from which each key may
/// sign, in the order of the keys, newest first.
///
/// It is the newest key that may sign. If no key may sign yet, because the clock was set back, it
/// is the oldest key, which has been published for the longest time. `None` if there is no key.
#[must_use]
pub fn signing_position(
    signs_from: impl ExactSizeIterator<Item = Timestamp>,
    now: Timestamp,
) -> Option<usize> {
    let oldest = signs_from.len().checked_sub(1);
    signs_from.enumerate().find(|(_, from)| *from <= now).map(|(position, _)| position).or(oldest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(signs_from: &[i64], now: i64) -> Option<usize> {
        let time = |second: i64| Timestamp::from_second(second).unwrap();
        signing_position(signs_from.iter().map(|second| time(*second)), time(now))
    }

    #[test]
    fn the_newest_key_that_may_sign_is_selected() {
        assert_eq!(position(&[], 10), None);
        assert_eq!(position(&[5], 10), Some(0));
        assert_eq!(position(&[20, 5], 19), Some(1));
        assert_eq!(position(&[20, 5], 20), Some(0));
        assert_eq!(position(&[30, 20, 5], 25), Some(1));
        // The newest key may sign earlier than the second one, which then never signs.
        assert_eq!(position(&[10, 20, 5], 10), Some(0));
        assert_eq!(position(&[10, 20, 5], 20), Some(0));
    }

    #[test]
    fn the_oldest_key_is_selected_if_no_key_may_sign_yet() {
        assert_eq!(position(&[20], 10), Some(0));
        assert_eq!(position(&[10, 30, 20], 9), Some(2));
    }
}
