use std::fmt;

/// The authentication methods of a sign-in: the claim `amr` of an access token (RFC 8176).
///
/// ```
/// # use auth_core::Amr;
/// let amr = Amr::PASSWORD.with_second_factor(Amr::CODE);
/// assert_eq!(amr.to_string(), "pwd otp mfa");
/// assert!(amr.is_multi_factor());
/// assert_eq!(Amr::from_values(["pwd", "otp", "mfa"]), amr);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amr(u8);

/// The known values, in the order in which they are written.
const VALUES: [&str; 5] = ["pwd", "otp", "pop", "user", "mfa"];

const PWD: u8 = 1 << 0;
const OTP: u8 = 1 << 1;
const POP: u8 = 1 << 2;
const USER: u8 = 1 << 3;
const MFA: u8 = 1 << 4;

impl Amr {
    /// A password: `pwd`.
    pub const PASSWORD: Self = Self(PWD);
    /// A code, from an email, an authenticator app or the list of recovery codes: `otp`.
    pub const CODE: Self = Self(OTP);
    /// A passkey as a second factor: `pop`, for proof of possession of a key.
    pub const PASSKEY_AS_SECOND_FACTOR: Self = Self(POP);
    /// A passkey alone: `pop`, `user` and `mfa`, because the authenticator has verified the user.
    pub const PASSKEY: Self = Self(POP | USER | MFA);

    /// Returns the methods of a sign-in whose first factor is `self`: those of both factors, and
    /// `mfa`.
    #[must_use]
    pub const fn with_second_factor(self, second: Self) -> Self {
        Self(self.0 | second.0 | MFA)
    }

    /// Returns `true` if the sign-in had several factors.
    #[must_use]
    pub const fn is_multi_factor(self) -> bool {
        self.0 & MFA != 0
    }

    /// Returns the values of the claim.
    pub fn values(self) -> impl Iterator<Item = &'static str> {
        let has = move |index: usize| self.0 & (1 << index) != 0;
        VALUES.into_iter().enumerate().filter(move |(index, _)| has(*index)).map(|(_, value)| value)
    }

    /// Creates the methods from the values of the claim. Values that this version does not know are
    /// ignored.
    #[must_use]
    pub fn from_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let known = values.into_iter().filter_map(|value| VALUES.iter().position(|v| *v == value));
        Self(known.fold(0, |bits, index| bits | 1 << index))
    }

    /// Parses the text that [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self::from_values(text.split(' '))
    }
}

/// Writes the values with spaces between them.
impl fmt::Display for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, value) in self.values().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Amr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Amr({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_sign_in_has_its_values() {
        for (amr, text) in [
            (Amr::PASSWORD, "pwd"),
            (Amr::CODE, "otp"),
            (Amr::PASSWORD.with_second_factor(Amr::CODE), "pwd otp mfa"),
            (Amr::PASSWORD.with_second_factor(Amr::PASSKEY_AS_SECOND_FACTOR), "pwd pop mfa"),
            (Amr::CODE.with_second_factor(Amr::PASSKEY_AS_SECOND_FACTOR), "otp pop mfa"),
            (Amr::PASSKEY, "pop user mfa"),
        ] {
            assert_eq!(amr.to_string(), text);
            assert_eq!(Amr::from_text(text), amr);
        }
    }

    #[test]
    fn unknown_values_are_ignored() {
        assert_eq!(Amr::from_text("pwd face"), Amr::PASSWORD);
        assert_eq!(Amr::from_text("").to_string(), "");
    }
}
