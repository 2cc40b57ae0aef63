use std::time::Duration;

/// The quotas of a counter, and how attempts are admitted after one of them is used up (OWASP ASVS
/// 5.0, 6.3.1).
///
/// If a quota is used up, a lockout of 1 minute begins. After it, attempts are admitted one at a
/// time, and each failure begins a lockout that lasts twice as long as the one before, up to 15
/// minutes. This ends when no quota is used up any more and the [`probation`](Self::probation) is
/// over.
///
/// A strict limit has no lockouts: its quotas are never exceeded. An attempt waits until enough
/// earlier ones have left the window. The limits on mails are strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    quotas: &'static [Quota],
    excess: Excess,
}

/// How attempts are admitted after a quota is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excess {
    /// One at a time, after lockouts.
    AfterLockouts { probation: Duration },
    /// When earlier attempts have left the window.
    Never,
}

/// The maximum number of attempts within a sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// The number of attempts that uses up the quota.
    pub max_attempts: usize,
    /// The length of the window.
    pub window: Duration,
}

const FIRST_LOCKOUT: Duration = Duration::from_mins(1);
const MAX_LOCKOUT: Duration = Duration::from_mins(15);

const QUARTER: Duration = Duration::from_mins(15);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

impl Limit {
    /// Failed sign-ins to one account from one IP address, from browsers that the account does not
    /// know: 10 in 15 minutes, and 30 in 24 hours.
    pub const SIGN_INS_PER_ACCOUNT_AND_IP: Self = Self {
        quotas: &[Quota::new(10, QUARTER), Quota::new(30, DAY)],
        excess: Excess::AfterLockouts { probation: QUARTER },
    };

    /// Failed sign-ins to one account from one IPv6 site, from browsers that the account does not
    /// know: four times as many as from one IP address.
    pub const SIGN_INS_PER_ACCOUNT_AND_SITE: Self = Self {
        quotas: &[Quota::new(40, QUARTER), Quota::new(120, DAY)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Failed sign-ins to one account from all IP addresses, from browsers that the account does
    /// not know: 100 in 24 hours (NIST SP 800-63B-4, 3.2.2).
    pub const SIGN_INS_PER_ACCOUNT: Self = Self {
        quotas: &[Quota::new(100, DAY)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Failed sign-ins to one account from one browser that the account knows: 10 in 15 minutes.
    pub const SIGN_INS_PER_BROWSER: Self = Self {
        quotas: &[Quota::new(10, QUARTER)],
        excess: Excess::AfterLockouts { probation: QUARTER },
    };

    /// Failed sign-ins to any account from one IP address: 30 in 15 minutes.
    pub const SIGN_INS_PER_IP: Self = Self {
        quotas: &[Quota::new(30, QUARTER)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Failed sign-ins to any account from one IPv6 site, from browsers that the account does not
    /// know: four times as many as from one IP address.
    pub const SIGN_INS_PER_SITE: Self = Self {
        quotas: &[Quota::new(120, QUARTER)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Sign-ups from one IP address, whether or not the email address was taken: 20 in an hour.
    pub const SIGN_UPS_PER_IP: Self = Self {
        quotas: &[Quota::new(20, HOUR)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Sign-ups from one IPv6 site: four times as many as from one IP address.
    pub const SIGN_UPS_PER_SITE: Self = Self {
        quotas: &[Quota::new(80, HOUR)],
        excess: Excess::AfterLockouts { probation: Duration::ZERO },
    };

    /// Mails that anyone can request to one email address: 5 in an hour (strict).
    pub const MAILS_PER_EMAIL: Self =
        Self { quotas: &[Quota::new(5, HOUR)], excess: Excess::Never };

    /// Mails to one account that a browser which the account knows requests: 5 in an hour (strict).
    pub const MAILS_PER_BROWSER: Self = Self::MAILS_PER_EMAIL;

    /// Mails to one email address that browsers which its account knows request, together: 20 in an
    /// hour (strict). Anyone who has the password can sign in with any number of browsers.
    pub const MAILS_PER_EMAIL_OF_BROWSERS: Self =
        Self { quotas: &[Quota::new(20, HOUR)], excess: Excess::Never };

    /// Mails that verify one email address, for all accounts that have it or had it: 6 in an hour
    /// (strict), the mail of a sign-up and 5 that its user requests.
    pub const VERIFICATIONS_PER_EMAIL: Self =
        Self { quotas: &[Quota::new(6, HOUR)], excess: Excess::Never };

    /// Mails that a signed-in user requests: 5 in an hour (strict).
    pub const MAILS_PER_USER: Self = Self::MAILS_PER_EMAIL;

    /// Mails that anyone can request from one IP address, to any email address: 20 in an hour
    /// (strict).
    pub const MAILS_PER_IP: Self = Self { quotas: &[Quota::new(20, HOUR)], excess: Excess::Never };

    /// Mails that anyone can request from one IPv6 site: four times as many as from one IP address
    /// (strict).
    pub const MAILS_PER_SITE: Self =
        Self { quotas: &[Quota::new(80, HOUR)], excess: Excess::Never };

    /// Changes by one user to second factors and passkeys, except for removals: 60 in an hour
    /// (strict). They cost little, but each of them adds an audit event and a mail.
    pub const FACTOR_CHANGES_PER_USER: Self =
        Self { quotas: &[Quota::new(60, HOUR)], excess: Excess::Never };

    /// Sign-ins to one account with a passkey alone, even successful ones: 100 in 15 minutes
    /// (strict). They hash no password, but each of them adds an audit event.
    pub const PASSKEY_SIGN_INS_PER_USER: Self =
        Self { quotas: &[Quota::new(100, QUARTER)], excess: Excess::Never };

    /// Returns the quotas. All of them apply.
    #[must_use]
    pub const fn quotas(&self) -> &'static [Quota] {
        self.quotas
    }

    /// Returns the time after a lockout during which one more failure begins a longer lockout, even
    /// if no quota is used up any more. It is zero for limits that several people share. Otherwise,
    /// a stranger who fails once per lockout would keep all of them out.
    #[must_use]
    pub const fn probation(&self) -> Duration {
        match self.excess {
            Excess::AfterLockouts { probation } => probation,
            Excess::Never => Duration::ZERO,
        }
    }

    /// Returns `true` if the quotas are never exceeded.
    pub(super) const fn is_strict(&self) -> bool {
        matches!(self.excess, Excess::Never)
    }

    /// Returns the length of the longest window.
    pub(super) fn longest_window(&self) -> Duration {
        self.quotas.iter().map(|quota| quota.window).max().unwrap_or_default()
    }

    /// Returns the maximum number of attempts of the largest quota. Older attempts have no effect.
    pub(super) fn max_stored(&self) -> usize {
        self.quotas.iter().map(|quota| quota.max_attempts).max().unwrap_or_default()
    }

    /// Returns the length of the `n`th consecutive lockout, counted from 1.
    pub(super) fn lockout(n: u32) -> Duration {
        FIRST_LOCKOUT.saturating_mul(1 << n.saturating_sub(1).min(16)).min(MAX_LOCKOUT)
    }

    /// The length of the longest lockout.
    pub(super) const MAX_LOCKOUT: Duration = MAX_LOCKOUT;
}

impl Quota {
    const fn new(max_attempts: usize, window: Duration) -> Self {
        Self { max_attempts, window }
    }
}
