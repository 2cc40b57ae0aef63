use auth_core::PasswordHash;

/// Checks that a parsed hash is printed unchanged, and that its cost is bounded.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(hash) = text.parse::<PasswordHash>() else { return };
    let printed = hash.to_text();
    assert_eq!(printed, text, "a hash has one spelling");
    if let Some(iterations) = hash.iterations() {
        assert!((1_000..=10_000_000).contains(&iterations));
        assert!(printed.starts_with(&format!("$pbkdf2-sha256$i={iterations},l=")));
    }
    assert!(!hash.algorithm().is_empty());
    assert!(printed.parse::<PasswordHash>() == Ok(hash));
}
