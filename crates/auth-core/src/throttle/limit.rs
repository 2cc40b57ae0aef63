use std::time::Duration;

/// How many attempts of a kind are taken within a time, and what comes after the last of
/// them (OWASP ASVS 5.0, 6.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    most: usize,
    window: Duration,
    waits: bool,
}

/// The first wait, and the longest.
const WAITS: [Duration; 2] = [Duration::from_mins(1), Duration::from_mins(15)];

impl Limit {
    /// Failed log-ins to one account from browsers that it does not know, or from one that
    /// it does: ten in 15 minutes, then one at a time after waits that double from one
    /// minute to 15.
    pub const SIGN_INS_PER_ACCOUNT: Self =
        Self { most: 10, window: Duration::from_mins(15), waits: true };

    /// Failed log-ins from one address, whatever the account: 30 in 15 minutes.
    pub const SIGN_INS_PER_IP: Self =
        Self { most: 30, window: Duration::from_mins(15), waits: false };

    /// Sign-ups from one address, whether the e-mail was free or taken: 20 in an hour.
    pub const SIGN_UPS_PER_IP: Self =
        Self { most: 20, window: Duration::from_hours(1), waits: false };

    /// How many are taken within [`window`](Self::window).
    #[must_use]
    pub const fn max_attempts(&self) -> usize {
        self.most
    }

    /// Over what time they are counted, back from any moment.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Whether the last one begins a wait, after which they are taken one at a time, each
    /// with a longer wait. Otherwise the next is taken when the first leaves the window.
    #[must_use]
    pub const fn has_lockout(&self) -> bool {
        self.waits
    }

    /// The `n`th wait in a row, from 1.
    pub(super) fn wait(n: u32) -> Duration {
        let [first, longest] = WAITS;
        first.saturating_mul(1 << n.saturating_sub(1).min(16)).min(longest)
    }
}
