use std::time::Duration;

/// The maximum number of attempts within a sliding window, and the consequence of reaching it
/// (OWASP ASVS 5.0, 6.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    max_attempts: usize,
    window: Duration,
    has_lockout: bool,
}

const FIRST_LOCKOUT: Duration = Duration::from_mins(1);
const MAX_LOCKOUT: Duration = Duration::from_mins(15);

impl Limit {
    /// Failed sign-ins to one account from unknown browsers, or from one known browser: 10 in 15
    /// minutes, then one after each lockout. The first lockout lasts 1 minute. Each further one
    /// lasts twice as long, up to 15 minutes.
    pub const SIGN_INS_PER_ACCOUNT: Self =
        Self { max_attempts: 10, window: Duration::from_mins(15), has_lockout: true };

    /// Failed sign-ins to any account from one IP address: 30 in 15 minutes.
    pub const SIGN_INS_PER_IP: Self =
        Self { max_attempts: 30, window: Duration::from_mins(15), has_lockout: false };

    /// Sign-ups from one IP address, whether or not the email address was taken: 20 in an hour.
    pub const SIGN_UPS_PER_IP: Self =
        Self { max_attempts: 20, window: Duration::from_hours(1), has_lockout: false };

    /// Returns the maximum number of attempts within [`window`](Self::window).
    #[must_use]
    pub const fn max_attempts(&self) -> usize {
        self.max_attempts
    }

    /// Returns the length of the sliding window.
    #[must_use]
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Returns `true` if reaching the maximum begins a lockout, after which each failure begins a
    /// longer one. Without lockouts, the next attempt is admitted as soon as the oldest one leaves
    /// the window.
    #[must_use]
    pub const fn has_lockout(&self) -> bool {
        self.has_lockout
    }

    /// Returns the length of the `n`th consecutive lockout, counted from 1.
    pub(super) fn lockout(n: u32) -> Duration {
        FIRST_LOCKOUT.saturating_mul(1 << n.saturating_sub(1).min(16)).min(MAX_LOCKOUT)
    }
}
