use auth_core::{SessionId, UserId};

/// Checks that an accepted id is a UUIDv7, and that its spellings differ only in letter case.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (user, session) = (text.parse::<UserId>(), text.parse::<SessionId>());
    assert_eq!(user.is_ok(), session.is_ok());
    let (Ok(user), Ok(session)) = (user, session) else { return };
    let lower_case = text.to_ascii_lowercase();
    assert_eq!((user.to_string(), session.to_string()), (lower_case.clone(), lower_case));
    assert_eq!(UserId::from_uuid_bytes(user.as_uuid().into_bytes()), user);
    let hyphens: Vec<_> = text.match_indices('-').map(|(index, _)| index).collect();
    assert_eq!(hyphens, [8, 13, 18, 23]);
    assert!(text.as_bytes()[14] == b'7' && b"89ab".contains(&text.as_bytes()[19]));
}
