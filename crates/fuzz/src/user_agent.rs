use auth_core::ClientInfo;

/// Checks that a sanitised user agent is short and can be displayed safely: it contains no control
/// characters and no marks that change the direction of text.
pub(crate) fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let client = ClientInfo::new(None, Some(&text));
    let Some(name) = client.user_agent() else {
        assert!(text.trim().is_empty());
        return;
    };
    assert!((1..=ClientInfo::MAX_USER_AGENT_BYTES).contains(&name.len()));
    assert!(!name.chars().any(|c| c.is_control() || (c.is_whitespace() && c != ' ')));
    assert!(!name.chars().any(|c| "\u{200b}\u{200e}\u{202e}\u{2066}\u{feff}\u{3164}".contains(c)));
    // Sanitising again only removes a trailing space, which truncation may have left.
    let again = ClientInfo::new(None, Some(name));
    assert_eq!(again.user_agent(), Some(name.trim_end()));
    if name.len() < ClientInfo::MAX_USER_AGENT_BYTES - 4 {
        assert_eq!(name.chars().count(), text.trim().chars().count());
    }
}
