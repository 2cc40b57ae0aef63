use std::time::Duration;

use auth_core::{
    RefreshState, RefreshToken, RefreshTokenHash, RefreshUse, ReplacedToken, SuccessorSalt,
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
fn it_has_256_bits_that_change_and_128_that_stay() {
    let token = token();
    assert_eq!(token.to_text().len(), 64, "48 bytes in base64url");
    let next = token.successor(&salt());
    let (old, new) = (token.to_text(), next.to_text());
    assert_eq!(old[..21], new[..21], "the family's 128 bits");
    assert_ne!(old[22..], new[22..]);
    assert_eq!(token.family(), next.family());
    assert_ne!(token.family(), self::token().family());
}

/// Servers of different versions on one store must agree on it.
#[test]
fn the_derivation_is_hmac_sha256_and_stays_what_it_is() {
    let token = RefreshToken::parse(&"A".repeat(64)).unwrap();
    let next = token.successor(&SuccessorSalt::from_bytes(&[1; 32]).unwrap());
    assert_eq!(&*next.to_text(), KNOWN_SUCCESSOR);
}

/// Computed with another implementation of HMAC.
const KNOWN_SUCCESSOR: &str = "AAAAAAAAAAAAAAAAAAAAAKu223hMuIQlixZK47_TmRa2dld0ja8P-AdHr8TO76jL";

#[test]
fn neither_the_token_nor_the_salt_alone_leads_to_the_successor() {
    let (token, salt) = (token(), salt());
    let next = token.successor(&salt);
    assert_eq!(token.successor(&salt).hash(), next.hash());
    assert_ne!(token.successor(&self::salt()).hash(), next.hash());
    assert_ne!(self::token().successor(&salt).hash(), next.hash());
}

#[test]
fn what_is_stored_is_a_hash_and_debug_shows_nothing() {
    let token = token();
    let text = token.to_text();
    assert!(
        !token
            .hash()
            .as_bytes()
            .windows(8)
            .any(|part| text.as_bytes().windows(8).any(|w| w == part))
    );
    let shown = format!("{token:?} {:?} {:?} {:?}", token.hash(), token.family(), salt());
    assert_eq!(shown, "RefreshToken(…) RefreshTokenHash(…) FamilyHash(…) SuccessorSalt(…)");
}

#[test]
fn only_the_one_spelling_is_read() {
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
    fn another_text_is_another_token(at in 0..64_usize, with in "[A-Za-z0-9_-]") {
        let token = token();
        let mut text = token.to_text().to_string();
        let changed = text[at..=at] != with;
        text.replace_range(at..=at, &with);
        let read = RefreshToken::parse(&text).unwrap();
        prop_assert_eq!(read.hash() != token.hash(), changed);
    }

    #[test]
    fn no_text_panics(text in ".{0,100}") {
        let _ = RefreshToken::parse(&text);
    }
}

fn used(token: &RefreshToken) -> (RefreshState, SuccessorSalt, RefreshTokenHash) {
    let salt = salt();
    let next = token.successor(&salt).hash();
    let replaced = ReplacedToken { token: token.hash(), salt, at: NOW };
    (RefreshState { current: next, replaced: Some(replaced) }, salt, next)
}

#[test]
fn the_current_token_is_used_whenever_it_comes() {
    let fresh = RefreshState { current: token().hash(), replaced: None };
    assert_eq!(fresh.judge(&fresh.current, NOW), RefreshUse::First);
    let (state, _, next) = used(&token());
    assert_eq!(state.judge(&next, NOW + 1_000_000 * MILLI), RefreshUse::First);
}

#[test]
fn the_one_before_is_a_repetition_for_ten_seconds_and_then_a_copy() {
    let token = token();
    let (state, salt, _) = used(&token);
    for millis in [0, 1, 9_999] {
        assert_eq!(state.judge(&token.hash(), NOW + millis * MILLI), RefreshUse::Repeated(salt));
        // Another server's clock may be behind.
        assert_eq!(state.judge(&token.hash(), NOW - millis * MILLI), RefreshUse::Repeated(salt));
    }
    for millis in [10_000, 1_000_000] {
        assert_eq!(state.judge(&token.hash(), NOW + millis * MILLI), RefreshUse::Reused);
        assert_eq!(state.judge(&token.hash(), NOW - millis * MILLI), RefreshUse::Reused);
    }
}

#[test]
fn an_older_one_is_a_copy_at_once() {
    let first = token();
    let (_, salt, _) = used(&first);
    let (state, ..) = used(&first.successor(&salt));
    assert_eq!(state.judge(&first.hash(), NOW), RefreshUse::Reused);
}
