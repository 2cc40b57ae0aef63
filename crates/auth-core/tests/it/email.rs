use auth_core::Email;
use proptest::prelude::*;

fn key(text: &str) -> String {
    Email::parse(text).unwrap_or_else(|_| panic!("{text:?} is rejected")).key().as_str().to_owned()
}

#[test]
fn an_email_is_displayed_as_typed_and_compared_in_lower_case() {
    let email = Email::parse("Ada.Lovelace@Example.COM").unwrap();
    assert_eq!(email.as_str(), "Ada.Lovelace@Example.COM");
    assert_eq!(email.key().as_str(), "ada.lovelace@example.com");
}

#[test]
fn ascii_white_space_around_an_email_is_trimmed() {
    assert_eq!(Email::parse(" \t\r\n\u{c}ada@example.com \n").unwrap().as_str(), "ada@example.com");
    assert!(Email::parse("\u{a0}ada@example.com").is_err(), "other white space is not trimmed");
    assert!(Email::parse("ada @example.com").is_err(), "white space inside");
}

#[test]
fn unicode_and_ascii_spellings_of_a_domain_are_equivalent() {
    assert_eq!(key("ada@Bücher.example"), key("ada@xn--bcher-kva.example"));
    assert_eq!(key("ada@bu\u{308}cher.example"), key("ada@bücher.example"));
    assert_eq!(key("ada@例え.テスト"), "ada@xn--r8jz45g.xn--zckzah");
    assert_eq!(key("ada@ｅｘａｍｐｌｅ。com"), "ada@example.com");
}

#[test]
fn the_whole_grammar_of_the_local_part_is_accepted() {
    for local in ["a", "a.b.c", "!#$%&'*+-/=?^_`{|}~", "a+tag", "1", &"x".repeat(64)] {
        assert!(Email::parse(&format!("{local}@example.com")).is_ok(), "{local}");
    }
}

#[test]
fn hyphens_are_accepted_inside_a_label_only() {
    assert!(Email::parse("ada@my--mail.example").is_ok());
    assert!(Email::parse("ada@-mail.example").is_err());
    assert!(Email::parse("ada@mail-.example").is_err());
}

#[test]
fn invalid_emails_are_rejected() {
    let long_local = format!("{}@example.com", "x".repeat(65));
    let long_label = format!("ada@{}.com", "x".repeat(64));
    for text in [
        "",
        "@",
        "ada",
        "ada@",
        "@example.com",
        "ada@localhost",
        "ada@@example.com",
        "a@b@example.com",
        ".ada@example.com",
        "ada.@example.com",
        "a..b@example.com",
        "ada@.com",
        "ada@example.",
        "ada@example..com",
        "ada@exa mple.com",
        "ada@exa_mple.com",
        "\"ada\"@example.com",
        "ada(x)@example.com",
        "jos\u{e9}@example.com",
        "ada@[127.0.0.1]",
        "ada@xn--a.example",
        "ada@example.com\0",
        "a\0da@example.com",
        &long_local,
        &long_label,
    ] {
        assert!(Email::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn an_email_of_more_than_254_bytes_is_rejected() {
    let domain = |length: usize| {
        let mut labels = vec!["x".repeat(61); 3];
        labels.push("y".repeat(length - 3 * 62));
        labels.join(".")
    };
    let at_limit = format!("{}@{}", "a".repeat(20), domain(233));
    assert_eq!(at_limit.len(), 254);
    assert!(Email::parse(&at_limit).is_ok());
    assert!(Email::parse(&format!("a{at_limit}")).is_err());
}

#[test]
fn debug_output_does_not_contain_the_email() {
    let email = Email::parse("ada@example.com").unwrap();
    assert!(!format!("{email:?} {:?}", email.key()).contains("ada"));
}

proptest! {
    #[test]
    fn parsing_an_email_never_panics(text in any::<String>()) {
        let _ = Email::parse(&text);
    }

    #[test]
    fn a_displayed_email_parses_to_the_same_email(
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\\.[a-z0-9]{1,10}){0,3}",
        domain in "[a-zA-Z0-9]{1,20}(\\.[a-zA-Z0-9]{1,10}){1,3}",
    ) {
        // A label with the prefix `xn--` is rejected if it is invalid Punycode.
        prop_assume!(!domain.to_ascii_lowercase().contains("xn--"));
        let email = Email::parse(&format!(" {local}@{domain} ")).unwrap();
        prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email.clone());
        let normalised = Email::parse(email.key().as_str()).unwrap();
        prop_assert_eq!(normalised.key(), email.key());
    }
}
