use std::fmt;

use jiff::Timestamp;
use totp_rs::{Builder, Totp};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::random::{Random, random_array};
use crate::stored_bytes::InvalidStoredToken;

/// The secret that an authenticator app shares with the service: 160 bits (RFC 6238; RFC 4226, 4).
///
/// Codes are computed with HMAC-SHA-1, have six digits, and change every 30 seconds. No other
/// parameters are supported by all apps. `Debug` does not print the secret, and it is zeroized when
/// dropped.
///
/// ```
/// # use auth_core::{Clock, SystemClock, SystemRandom, TotpCode, TotpSecret};
/// # let now = SystemClock.now();
/// let secret = TotpSecret::generate(&SystemRandom);
/// let code = secret.code_at(now);
/// let step = secret.verify(&code, now, None).expect("the code is right");
/// // Each code is accepted only once.
/// assert_eq!(secret.verify(&code, now, Some(step)), None);
/// ```
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TotpSecret([u8; SECRET_BYTES]);

/// A code from an authenticator app, as it was typed. `Debug` does not print it.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct TotpCode([u8; DIGITS]);

/// An error from parsing a [`TotpCode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a code: expected six digits")]
pub struct InvalidTotpCode;

/// A time step: the index of a 30-second period since 1970 (RFC 6238, 4.2). An app shows one code
/// per step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotpStep(i64);

const SECRET_BYTES: usize = 20;
const DIGITS: usize = 6;
const STEP_SECONDS: i64 = 30;

/// The maximum length of a text that is parsed as a code, in bytes.
const MAX_TEXT: usize = 64;

impl TotpSecret {
    /// Generates a secret.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(random_array(random))
    }

    /// Creates a secret from its 20 stored bytes.
    ///
    /// # Errors
    ///
    /// [`InvalidStoredToken`] if the number of bytes is not 20.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidStoredToken> {
        bytes.try_into().map(Self).map_err(|_| InvalidStoredToken)
    }

    /// Returns the bytes to store.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; SECRET_BYTES] {
        &self.0
    }

    /// Returns the secret in base32 (RFC 4648, 6), for apps into which it is typed.
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(self.totp().secret().to_base32())
    }

    /// Returns the secret as an `otpauth:` URI, which apps read from a QR code. Colons in the names
    /// are left out, because they separate the two.
    #[must_use]
    pub fn to_uri(&self, service: &str, account: &str) -> Zeroizing<String> {
        let totp = self
            .builder()
            .with_issuer(Some(service.replace(':', "")))
            .with_account_name(account.replace(':', ""))
            .build_noncompliant();
        Zeroizing::new(totp.to_url().unwrap_or_default())
    }

    /// Returns the code that an app shows at this time.
    #[must_use]
    pub fn code_at(&self, time: Timestamp) -> TotpCode {
        self.code_of(TotpStep::at(time))
    }

    /// Returns the step of a code, if the code is right at `now`. A code of the step before or
    /// after the current one is right too, because clocks differ (RFC 6238, 6).
    ///
    /// `last_step` is the step of the last code that was accepted. Codes of this step and of
    /// earlier ones are wrong (RFC 6238, 5.2). The caller must store the returned step, in the
    /// transaction that read `last_step`.
    #[must_use]
    pub fn verify(
        &self,
        code: &TotpCode,
        now: Timestamp,
        last_step: Option<TotpStep>,
    ) -> Option<TotpStep> {
        let current = TotpStep::at(now).0;
        // If two steps have the same code, the later one is used up, and the earlier one with it.
        let mut steps = (current - 1..=current + 1).rev().map(TotpStep);
        steps.find(|step| Some(*step) > last_step && self.is_code_of(code, *step))
    }

    /// Compares the code with that of a step, in constant time.
    fn is_code_of(&self, code: &TotpCode, step: TotpStep) -> bool {
        let time = step.seconds();
        str::from_utf8(&code.0).is_ok_and(|code| self.totp().check(code, time).is_some())
    }

    fn code_of(&self, step: TotpStep) -> TotpCode {
        let text = Zeroizing::new(self.totp().generate(step.seconds()).to_string());
        let mut digits = [b'0'; DIGITS];
        digits.copy_from_slice(text.as_bytes());
        TotpCode(digits)
    }

    fn totp(&self) -> Totp {
        self.builder().build_noncompliant()
    }

    /// Returns the parameters. [`verify`](Self::verify) allows for clock drift.
    fn builder(&self) -> Builder {
        let secret = totp_rs::Secret::new_stack(self.0);
        Builder::new().with_secret(secret).with_skew(0)
    }
}

impl TotpCode {
    /// Parses a code that was typed or pasted. Spaces are ignored.
    ///
    /// # Errors
    ///
    /// [`InvalidTotpCode`] if the text does not have six digits.
    pub fn parse(text: &str) -> Result<Self, InvalidTotpCode> {
        if text.len() > MAX_TEXT {
            return Err(InvalidTotpCode);
        }
        let mut digits = [0; DIGITS];
        let mut len = 0;
        for character in text.chars().filter(|character| !character.is_whitespace()) {
            if len == DIGITS || !character.is_ascii_digit() {
                return Err(InvalidTotpCode);
            }
            digits[len] = u8::try_from(character).map_err(|_| InvalidTotpCode)?;
            len += 1;
        }
        if len == DIGITS { Ok(Self(digits)) } else { Err(InvalidTotpCode) }
    }

    /// Returns the code as six digits.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(&self.0).into_owned())
    }
}

impl TotpStep {
    /// Returns the step of this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self(time.as_second().div_euclid(STEP_SECONDS))
    }

    /// Creates a step from its stored number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Returns the number to store.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Returns the time at which the step begins, in seconds since 1970.
    fn seconds(self) -> u64 {
        u64::try_from(self.0.saturating_mul(STEP_SECONDS)).unwrap_or(0)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl fmt::Debug for TotpCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpCode(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238, Appendix B.
    const SECRET: TotpSecret = TotpSecret(*b"12345678901234567890");

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, Appendix B, lists codes of eight digits. Those of six digits are the last six of
    /// them.
    #[test]
    fn codes_are_those_of_rfc_6238() {
        for (time, eight_digits) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let code = TotpCode::parse(&eight_digits[2..]).unwrap();
            assert_eq!(SECRET.code_at(at(time)), code);
            assert_eq!(SECRET.verify(&code, at(time), None), Some(TotpStep::at(at(time))));
        }
    }

    #[test]
    fn a_code_is_right_one_step_early_or_late_and_no_more() {
        let now = at(1_234_567_890);
        for (steps, is_right) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
            let code = SECRET.code_at(at(1_234_567_890 + steps * STEP_SECONDS));
            assert_eq!(SECRET.verify(&code, now, None).is_some(), is_right, "{steps}");
        }
    }

    #[test]
    fn a_step_is_accepted_once_and_earlier_steps_are_then_rejected() {
        let now = at(1_234_567_890);
        let code = SECRET.code_at(now);
        let step = SECRET.verify(&code, now, None).unwrap();
        let earlier = SECRET.code_at(at(1_234_567_860));
        assert_eq!(SECRET.verify(&code, now, Some(step)), None);
        assert_eq!(SECRET.verify(&earlier, now, Some(step)), None);
        let next = SECRET.code_at(at(1_234_567_920));
        assert_eq!(SECRET.verify(&next, now, Some(step)), Some(TotpStep(step.0 + 1)));
    }

    #[test]
    fn a_code_has_six_digits_however_they_are_spaced() {
        for text in ["123456", " 123 456 ", "123\u{a0}456", "1 2 3 4 5 6"] {
            assert_eq!(*TotpCode::parse(text).unwrap().to_text(), "123456");
        }
        let long = format!("123456{}", " ".repeat(MAX_TEXT));
        for text in ["", "12345", "1234567", "12345a", "+12345", "-12345", "１２３４５６", &long]
        {
            assert_eq!(TotpCode::parse(text), Err(InvalidTotpCode), "{text}");
        }
    }

    #[test]
    fn the_uri_names_the_service_and_the_account() {
        let uri = SECRET.to_uri("My: App", "ada+1@example.com");
        assert_eq!(
            *uri,
            "otpauth://totp/My%20App:ada%2B1%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20App"
        );
        assert!(uri.contains(&*SECRET.to_base32()));
    }

    #[test]
    fn debug_prints_no_secret() {
        assert_eq!(format!("{SECRET:?}"), "TotpSecret(…)");
        assert_eq!(format!("{:?}", SECRET.code_at(at(0))), "TotpCode(…)");
    }
}
