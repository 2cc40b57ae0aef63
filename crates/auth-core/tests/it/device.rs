use std::time::Duration;

use auth_core::{
    Clock as _, DeviceId, DeviceKey, DeviceToken, Email, KnownBrowser, ManualClock, Network,
    SigningKey, SystemRandom, Timestamp, UserId,
};

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    ManualClock::default().now()
}

fn browser() -> KnownBrowser {
    KnownBrowser {
        user: UserId::generate(start(), &SystemRandom),
        version: 7,
        device: DeviceId::generate(&SystemRandom),
    }
}

fn device_key() -> DeviceKey {
    SigningKey::generate(&SystemRandom).seed().device_key()
}

fn ada() -> Email {
    Email::parse("ada@example.com").unwrap()
}

#[test]
fn a_device_token_has_one_spelling_and_cannot_be_altered() {
    let (key, email, browser, now) = (device_key(), ada(), browser(), start());
    let text = key.issue(email.key(), &browser, now).to_text();
    let verify = |text: &str| key.verify(email.key(), &DeviceToken::parse(text).unwrap(), now);
    assert_eq!(verify(&text), Some(browser));
    for wrong in ["", "a", &text[1..], &format!("{}=", *text), &format!("{}A", *text)] {
        assert!(DeviceToken::parse(wrong).is_err(), "{wrong}");
    }
    // A token with any character changed is invalid.
    for index in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let other = std::str::from_utf8(&bytes).unwrap();
        assert!(DeviceToken::parse(other).is_err() || verify(other).is_none(), "{index}");
    }
}

#[test]
fn a_device_token_is_valid_for_a_year() {
    let (key, email, browser) = (device_key(), ada(), browser());
    let token = key.issue(email.key(), &browser, start());
    let year = Duration::from_hours(365 * 24);
    assert_eq!(key.verify(email.key(), &token, start() + year - SECOND), Some(browser));
    assert_eq!(key.verify(email.key(), &token, start() + year), None);
}

#[test]
fn a_device_token_from_more_than_a_day_in_the_future_is_rejected() {
    let (key, email, browser) = (device_key(), ada(), browser());
    let token = key.issue(email.key(), &browser, start());
    let day = Duration::from_hours(24);
    // The clocks of servers differ.
    assert_eq!(key.verify(email.key(), &token, start() - day), Some(browser));
    assert_eq!(key.verify(email.key(), &token, start() - day - SECOND), None);
}

#[test]
fn debug_output_of_device_keys_tokens_and_networks_contains_no_secret() {
    let key = device_key();
    let token = key.issue(ada().key(), &browser(), start());
    let network = Network::of(Some([192, 0, 2, 1].into()));
    let expected = "DeviceKey(…) DeviceToken(…) Network(…)";
    assert_eq!(format!("{key:?} {token:?} {network:?}"), expected);
}
