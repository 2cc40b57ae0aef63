use auth_core::{NewPassword, Password, PasswordPolicy};

const EMAIL: &str = "ada@example.com";

/// Checks that normalising a password again does not change it, and that an accepted new password
/// follows the rules.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let password = Password::new(text);
    let normalised = password.as_str();
    assert_eq!(Password::new(normalised).as_str(), normalised);
    if text.is_ascii() {
        assert_eq!(text, normalised);
    }
    let policy = PasswordPolicy::default();
    let parse =
        |text: &str| NewPassword::parse(text, &policy, &[EMAIL]).map(|new| new.as_str().to_owned());
    let new = parse(text);
    assert_eq!(new, parse(normalised), "equivalent spellings have the same result");
    let Ok(new) = new else { return };
    assert_eq!(new, normalised);
    assert!(new.chars().count() >= 8 && new.len() <= 1_024 && !new.contains('\0'));
    assert!(!new.eq_ignore_ascii_case(EMAIL));
}
