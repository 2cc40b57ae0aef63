use auth_core::Email;

/// What is accepted keeps the rules of an address, which are written down here once more,
/// and each of its spellings is the same address.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(email) = Email::parse(text) else { return };
    let shown = email.as_str();
    assert!(text.contains(shown) && shown.len() <= 254);
    assert_eq!(text.trim_matches(|c: char| c.is_ascii_whitespace()), shown);

    let key = email.key().as_str();
    assert!(is_address(key), "{key:?}");
    assert!(key.bytes().all(|byte| !byte.is_ascii_uppercase()));

    for spelling in [shown, key, &shown.to_ascii_uppercase(), &format!("\t\n {shown}\r ")] {
        let same = Email::parse(spelling).map(|email| email.key().clone());
        assert_eq!(same.as_ref(), Ok(email.key()), "{spelling:?} is not {key:?}");
    }
}

fn is_address(key: &str) -> bool {
    let Some((local, domain)) = key.split_once('@') else { return false };
    let dots_are_inside = !format!(".{local}.").contains("..");
    let is_local = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    key.len() <= 254
        && (1..=64).contains(&local.len())
        && dots_are_inside
        && local.chars().all(is_local)
        && domain.split('.').count() >= 2
        && domain.split('.').all(is_label)
}
