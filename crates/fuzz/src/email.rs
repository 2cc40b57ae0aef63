use auth_core::{Email, EmailKey};

/// Checks that an accepted email address follows the rules, which are implemented here a second
/// time, and that its other spellings are parsed as the same email address.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(email) = Email::parse(text) else { return };
    let displayed = email.as_str();
    assert!(displayed.len() <= 254);
    if text.is_ascii() {
        assert_eq!(text.trim(), displayed);
    }

    assert_eq!(EmailKey::parse(text).as_ref(), Ok(email.key()));
    let key = email.key().as_str();
    assert!(is_valid(key), "{key:?}");
    assert!(key.bytes().all(|byte| !byte.is_ascii_uppercase()));

    for spelling in
        [displayed, key, &displayed.to_ascii_uppercase(), &format!("\t\n {displayed}\r ")]
    {
        let same = Email::parse(spelling).map(|email| email.key().clone());
        assert_eq!(same.as_ref(), Ok(email.key()), "{spelling:?} is not {key:?}");
    }
}

fn is_valid(key: &str) -> bool {
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
        && !domain
            .split('.')
            .next_back()
            .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()))
}
