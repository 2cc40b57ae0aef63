use auth_core::{SessionId, UserId};

/// Checks that an accepted id is a UUID with hyphens, and that it is printed in lower case.
pub(crate) fn check(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (user, session) = (text.parse::<UserId>(), text.parse::<SessionId>());
    let Ok(user) = user else {
        assert!(session.is_err(), "an id of a session is a UUID");
        return;
    };
    assert_eq!(user.to_string(), text.to_ascii_lowercase());
    assert_eq!(UserId::from_uuid_bytes(user.as_uuid().into_bytes()), user);
    let hyphens: Vec<_> = text.match_indices('-').map(|(index, _)| index).collect();
    assert_eq!(hyphens, [8, 13, 18, 23]);
    let is_v7 = text.as_bytes()[14] == b'7' && b"89abAB".contains(&text.as_bytes()[19]);
    assert_eq!(session.is_ok(), is_v7);
    if let Ok(session) = session {
        assert_eq!(session.to_string(), text.to_ascii_lowercase());
    }
}
