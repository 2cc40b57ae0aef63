use std::time::Duration;

use auth_core::{
    ClientInfo, RefreshState, RefreshToken, RefreshUse, ReplacedToken, ReuseReason, SuccessorSalt,
    SystemRandom, Timestamp,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
const MILLI: Duration = Duration::from_millis(1);

fn token() -> RefreshToken {
    RefreshToken::generate(&SystemRandom)
}

fn salt() -> SuccessorSalt {
    SuccessorSalt::generate(&SystemRandom)
}

#[test]
fn a_successor_has_a_new_secret_of_256_bits_and_the_same_family() {
    let token = token();
    assert_eq!(token.to_text().len(), 64, "48 bytes in base64url");
    let next = token.successor(&salt());
    let (old, new) = (token.to_text(), next.to_text());
    assert_eq!(old[..21], new[..21], "the family of 128 bits");
    assert_ne!(old[22..], new[22..]);
    assert_eq!(token.family(), next.family());
    assert_ne!(token.family(), self::token().family());
}

/// Servers of different versions that share a store must derive the same successor.
#[test]
fn the_successor_is_derived_with_hmac_sha256() {
    let token = RefreshToken::parse(&"A".repeat(64)).unwrap();
    let next = token.successor(&SuccessorSalt::from_bytes(&[1; 32]).unwrap());
    assert_eq!(&*next.to_text(), KNOWN_SUCCESSOR);
}

/// The expected successor, computed with a different implementation of HMAC-SHA256.
const KNOWN_SUCCESSOR: &str = "AAAAAAAAAAAAAAAAAAAAAKu223hMuIQlixZK47_TmRa2dld0ja8P-AdHr8TO76jL";

#[test]
fn a_successor_depends_on_the_token_and_on_the_salt() {
    let (token, salt) = (token(), salt());
    let next = token.successor(&salt);
    assert_eq!(token.successor(&salt).hash(), next.hash());
    assert_ne!(token.successor(&self::salt()).hash(), next.hash());
    assert_ne!(self::token().successor(&salt).hash(), next.hash());
}

#[test]
fn the_stored_hash_and_debug_output_do_not_contain_the_token() {
    let token = token();
    let text = token.to_text();
    assert!(
        !token
            .hash()
            .as_bytes()
            .windows(8)
            .any(|part| text.as_bytes().windows(8).any(|w| w == part))
    );
    let output = format!("{token:?} {:?} {:?} {:?}", token.hash(), token.family(), salt());
    assert_eq!(output, "RefreshToken(…) RefreshTokenHash(…) FamilyHash(…) SuccessorSalt(…)");
}

#[test]
fn a_refresh_token_in_another_spelling_is_rejected() {
    let text = token().to_text();
    for wrong in [
        String::new(),
        text[..63].to_owned(),
        format!("{}A", *text),
        format!("{}==", *text),
        format!(" {}", &text[1..]),
        format!("+{}", &text[1..]),
        format!("é{}", &text[2..]),
    ] {
        assert!(RefreshToken::parse(&wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn a_changed_string_is_a_different_token(at in 0..64_usize, with in "[A-Za-z0-9_-]") {
        let token = token();
        let mut text = token.to_text().to_string();
        let is_changed = text[at..=at] != with;
        text.replace_range(at..=at, &with);
        let parsed = RefreshToken::parse(&text).unwrap();
        prop_assert_eq!(parsed.hash() != token.hash(), is_changed);
    }

    #[test]
    fn parsing_a_refresh_token_never_panics(text in ".{0,100}") {
        let _ = RefreshToken::parse(&text);
    }
}

fn browser(ip: u8, user_agent: Option<&str>) -> ClientInfo {
    ClientInfo::new(Some([192, 0, 2, ip].into()), user_agent)
}

/// Returns the state of a session after the first use of its token by this client.
fn state_after_use(token: &RefreshToken, client: &ClientInfo) -> (RefreshState, SuccessorSalt) {
    let salt = salt();
    let current = token.successor(&salt).hash();
    let client = client.clone();
    let replaced = ReplacedToken { token: token.hash(), salt, at: NOW, client, repeats: 0 };
    (RefreshState { current, replaced: Some(replaced) }, salt)
}

#[test]
fn the_current_token_is_accepted_at_any_time_and_from_any_client() {
    let (one, other) = (browser(1, Some("Browser/1.0")), browser(2, Some("Browser/2.0")));
    let fresh = RefreshState { current: token().hash(), replaced: None };
    assert_eq!(fresh.judge(&fresh.current, &one, NOW), RefreshUse::First);
    let (state, _) = state_after_use(&token(), &one);
    let late = NOW + 1_000_000 * MILLI;
    assert_eq!(state.judge(&state.current, &other, late), RefreshUse::First);
}

#[test]
fn the_previous_token_may_be_repeated_for_thirty_seconds() {
    let (token, client) = (token(), browser(1, Some("Browser/1.0")));
    let (state, salt) = state_after_use(&token, &client);
    let judge = |now| state.judge(&token.hash(), &client, now);
    for millis in [0, 1, 30_000] {
        assert_eq!(judge(NOW + millis * MILLI), RefreshUse::Repeated(salt));
        // The clock of another server may be behind.
        assert_eq!(judge(NOW - millis * MILLI), RefreshUse::Repeated(salt));
    }
    for millis in [30_001, 1_000_000] {
        assert_eq!(judge(NOW + millis * MILLI), RefreshUse::Reused(ReuseReason::TooLate));
        assert_eq!(judge(NOW - millis * MILLI), RefreshUse::Reused(ReuseReason::TooLate));
    }
}

#[test]
fn a_repeat_may_come_from_another_ip_address_but_not_from_another_user_agent() {
    let names = [None, Some("Browser/1.0"), Some("Browser/2.0")];
    for first in names {
        let token = token();
        let (state, salt) = state_after_use(&token, &browser(1, first));
        for again in names {
            let expected = match again == first {
                true => RefreshUse::Repeated(salt),
                false => RefreshUse::Reused(ReuseReason::OtherClient),
            };
            assert_eq!(state.judge(&token.hash(), &browser(2, again), NOW), expected);
        }
    }
}

#[test]
fn a_token_may_be_repeated_forty_times() {
    let (token, client) = (token(), browser(1, Some("Browser/1.0")));
    let (mut state, salt) = state_after_use(&token, &client);
    for repeats in 0..40 {
        state.replaced.as_mut().unwrap().repeats = repeats;
        assert_eq!(state.judge(&token.hash(), &client, NOW), RefreshUse::Repeated(salt));
    }
    state.replaced.as_mut().unwrap().repeats = 40;
    let too_many = RefreshUse::Reused(ReuseReason::TooManyRepeats);
    assert_eq!(state.judge(&token.hash(), &client, NOW), too_many);
}

#[test]
fn a_token_whose_successor_was_used_counts_as_reuse_immediately() {
    let (first, client) = (token(), browser(1, None));
    let (_, salt) = state_after_use(&first, &client);
    let (state, _) = state_after_use(&first.successor(&salt), &client);
    let reused = RefreshUse::Reused(ReuseReason::SuccessorUsed);
    assert_eq!(state.judge(&first.hash(), &client, NOW), reused);
}
