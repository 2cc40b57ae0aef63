use auth_core::PasswordHash;

/// A hash that is read is printed so that it is read again as the same, and is one that a
/// server can afford to compute.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(hash) = text.parse::<PasswordHash>() else { return };
    assert!((1_000..=10_000_000).contains(&hash.iterations()));
    let printed = hash.to_phc_string();
    let start = format!("$pbkdf2-sha256$i={},l=", hash.iterations());
    assert!(printed.starts_with(&start), "{printed}");
    assert!(printed.parse::<PasswordHash>() == Ok(hash), "{text:?} became {printed:?}");
    // Salt and hash have one spelling; of the parameters, the order and `l` may differ.
    let tail = |phc: &str| phc.split('$').skip(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(tail(text), tail(&printed));
}
