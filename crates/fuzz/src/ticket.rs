use auth_core::{Amr, SigningKeySeed, SingleUseId, Ticket, Timestamp, UserId};

/// Changes a valid ticket, and checks that no other text is a ticket of this key.
///
/// The first two bytes of the input choose a character to replace, and the rest is tried as a
/// ticket as it is.
pub(crate) fn check(input: &[u8]) {
    let (Ok(seed), now) = (SigningKeySeed::from_bytes(&[7; 32]), Timestamp::UNIX_EPOCH) else {
        return;
    };
    let key = seed.factor_key();
    let ticket = Ticket {
        id: SingleUseId::from_bytes([1; 16]),
        user: UserId::from_uuid_bytes([2; 16]),
        first_step: Amr::PASSWORD,
        remember: true,
        password_version: 3,
        device_version: 4,
        second_factor_at: now,
        expires_at: now + Ticket::LIFETIME,
    };
    let text = key.issue_ticket(&ticket);
    assert_eq!(key.verify_ticket(&text, now), Some(ticket));
    let [position, character, rest @ ..] = input else { return };
    let mut changed = text.as_bytes().to_vec();
    let position = usize::from(*position) % changed.len();
    changed[position] = *character;
    for candidate in [changed.as_slice(), rest] {
        let Ok(candidate) = std::str::from_utf8(candidate) else { continue };
        let verified = key.verify_ticket(candidate, now);
        assert_eq!(verified.is_some(), candidate == text.as_str(), "{candidate:?}");
    }
}
