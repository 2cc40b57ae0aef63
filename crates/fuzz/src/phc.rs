use auth_core::PasswordHash;

/// A hash that is read is printed so that it is read again as the same, and is one that a
/// server can afford to compute.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(hash) = text.parse::<PasswordHash>() else { return };
    assert!((1_000..=10_000_000).contains(&hash.iterations()));
    let printed = hash.to_phc_string();
    assert_eq!(printed, text, "a hash has one form");
    assert!(printed.starts_with(&format!("$pbkdf2-sha256$i={},l=", hash.iterations())));
    assert!(printed.parse::<PasswordHash>() == Ok(hash));
}
