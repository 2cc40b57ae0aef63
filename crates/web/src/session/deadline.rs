use api_types::TokenResponse;

/// How long before its end a token is renewed, so that it does not end on its way.
const MARGIN_MS: f64 = 10_000.0;

/// The margin is never more than this part of a token's life: a short one is to be used too.
const PART: f64 = 0.1;

/// Until when a token is fit to be sent, in milliseconds of the browser's monotonic clock.
///
/// The wall clock that the token's own times are of may be wrong here, so it counts from when
/// the token came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Deadline(f64);

impl Deadline {
    /// That of a token that has just come.
    pub(super) fn of(answer: &TokenResponse, now_ms: f64) -> Self {
        let lifetime = answer.expires_in as f64 * 1_000.0;
        Self(now_ms + lifetime - MARGIN_MS.min(lifetime * PART))
    }

    pub(super) fn has_passed(self, now_ms: f64) -> bool {
        now_ms >= self.0
    }
}

#[cfg(test)]
mod tests {
    use api_types::TokenType;

    use super::*;

    fn deadline(expires_in: u64) -> Deadline {
        let access_token = "token".to_owned();
        Deadline::of(
            &TokenResponse { access_token, token_type: TokenType::Bearer, expires_in },
            500.0,
        )
    }

    #[test]
    fn a_token_is_renewed_some_seconds_before_its_end() {
        assert!(!deadline(300).has_passed(290_499.0));
        assert!(deadline(300).has_passed(290_500.0));
    }

    #[test]
    fn a_token_that_lives_a_second_is_used_for_most_of_it() {
        assert!(!deadline(1).has_passed(1_399.0));
        assert!(deadline(1).has_passed(1_400.0));
    }
}
