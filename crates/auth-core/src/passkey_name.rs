/// The name that a user gives a passkey: 1 to 64 code points without control characters. Spaces at
/// the ends are removed.
///
/// ```
/// # use auth_core::PasskeyName;
/// assert_eq!(PasskeyName::parse(" Firefox on Linux ")?.as_str(), "Firefox on Linux");
/// assert!(PasskeyName::parse(" ").is_err());
/// # Ok::<(), auth_core::InvalidPasskeyName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasskeyName(String);

/// An error from parsing a [`PasskeyName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a passkey name: use 1 to 64 characters and no control characters")]
pub struct InvalidPasskeyName;

const MAX_CHARS: usize = 64;

impl PasskeyName {
    /// Parses a name that was typed.
    ///
    /// # Errors
    ///
    /// [`InvalidPasskeyName`] if the text breaks a rule.
    pub fn parse(text: &str) -> Result<Self, InvalidPasskeyName> {
        let name = text.trim();
        let is_valid = !name.is_empty()
            && name.chars().nth(MAX_CHARS).is_none()
            && !name.chars().any(char::is_control);
        if is_valid { Ok(Self(name.to_owned())) } else { Err(InvalidPasskeyName) }
    }

    /// Creates a name from its stored text, which is not checked again.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_64_code_points_and_no_control_characters() {
        let longest = "ä".repeat(MAX_CHARS);
        for name in ["x", "Schlüssel 🔑", &longest] {
            assert_eq!(PasskeyName::parse(name).unwrap().as_str(), name);
        }
        let too_long = format!("{longest}x");
        for text in ["", " \t", "a\nb", "a\u{7f}", "a\u{85}b", &too_long] {
            assert_eq!(PasskeyName::parse(text), Err(InvalidPasskeyName), "{text:?}");
        }
    }
}
