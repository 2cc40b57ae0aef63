use auth_core::{Email, EmailError, EmailKey};
use icu_properties::CodePointSetData;
use icu_properties::props::DefaultIgnorableCodePoint;
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
fn white_space_around_an_email_is_trimmed() {
    for text in [
        " \t\r\n\u{c}ada@example.com \n",
        "\u{a0}ada@example.com\u{202f}",
        "\u{3000}ada@example.com\u{2028}",
        " \u{200b}\u{a0}\u{200d} ada@example.com \u{200c} \u{feff}",
    ] {
        assert_eq!(Email::parse(text).unwrap().as_str(), "ada@example.com", "{text:?}");
    }
    for text in ["ada @example.com", "ada\u{a0}@example.com", "ada@exam\u{3000}ple.com"] {
        assert!(Email::parse(text).is_err(), "white space inside {text:?}");
    }
}

/// A pasted email address can contain characters that its owner does not see.
#[test]
fn pasted_characters_are_removed_or_converted() {
    for text in [
        "\u{feff}ada@example.com",
        "ada\u{200b}@example.com",
        "ada@\u{200b}example.com",
        "ada@exam\u{ad}ple.com",
        "\u{2068}ada@example.com\u{2069}",
        "ada\u{200d}@exam\u{200d}ple.com",
        "ada@example.com\u{fe0f}",
        "ada＠example.com",
        "ada﹫example.com",
        "ａｄａ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    ] {
        let email = Email::parse(text).unwrap_or_else(|_| panic!("{text:?} is rejected"));
        assert_eq!(email.as_str(), "ada@example.com", "{text:?}");
        assert_eq!(email.key().as_str(), "ada@example.com", "{text:?}");
    }
    assert!(Email::parse("ada＠b@example.com").is_err(), "two at signs");
}

#[test]
fn a_joiner_is_kept_where_it_distinguishes_two_domains() {
    let with_joiner = "ada@نامه\u{200c}ای.example";
    let email = Email::parse(with_joiner).unwrap();
    assert_eq!(email.as_str(), with_joiner);
    assert_ne!(email.key().as_str(), key("ada@نامهای.example"));
    assert_eq!(Email::parse(&format!("ada\u{200c}{}", &with_joiner[3..])).unwrap(), email);
}

#[test]
fn all_characters_that_unicode_calls_ignorable_are_removed() {
    let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
    let braille_blank = '\u{2800}';
    for c in '\0'..=char::MAX {
        let parsed = Email::parse(&format!("a{c}da@example.com"));
        let parsed = parsed.as_ref().map(Email::as_str);
        if ignorable.contains(c) || c == braille_blank {
            assert_eq!(parsed, Ok("ada@example.com"), "{c:?}");
        } else if !c.is_ascii() && !('\u{ff01}'..='\u{ff5e}').contains(&c) && c != '\u{fe6b}' {
            assert!(parsed.is_err(), "{c:?}");
        }
    }
}

#[test]
fn characters_that_a_domain_ignores_are_not_displayed() {
    for c in ('\u{80}'..'\u{20000}').chain('\u{e0000}'..'\u{e1000}') {
        if let Ok(email) = Email::parse(&format!("ada@a{c}b.example"))
            && email.key().as_str() == "ada@ab.example"
        {
            assert_eq!(email.as_str(), "ada@ab.example", "{c:?}");
        }
    }
}

#[test]
fn a_stored_email_is_not_validated_again() {
    let stored = Email::from_stored(
        "Ada@No\u{378}Domain".to_owned(),
        EmailKey::from_stored("ada@127.0.0.1".to_owned()),
    );
    assert_eq!(stored.as_str(), "Ada@No\u{378}Domain");
    assert_eq!(stored.key().as_str(), "ada@127.0.0.1");
}

#[test]
fn invisible_characters_of_a_stored_email_are_not_displayed() {
    let displayed = |typed: &str| {
        let stored =
            Email::from_stored(typed.to_owned(), EmailKey::from_stored("the key".to_owned()));
        assert_eq!(stored.key().as_str(), "the key");
        stored.as_str().to_owned()
    };
    for c in ['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2800}', '\u{feff}', '\u{e0041}'] {
        assert_eq!(displayed(&format!("A{c}da@Exam{c}ple.com{c}")), "Ada@Example.com", "{c:?}");
        assert_eq!(displayed(&format!("ad{c}a")), "ada", "{c:?}");
    }
    // The joiner distinguishes this domain from another one.
    let persian = "نامه\u{200c}ای.example";
    assert_eq!(displayed(&format!("a\u{200c}da@{persian}")), format!("ada@{persian}"));
}

/// The account of such an email address can be older than the rule.
#[test]
fn an_email_with_a_numeric_last_label_is_rejected_but_has_a_key() {
    for text in ["a@example.123", "a@127.0.0.1", "A@127.0.0.1", "a@１２７．０．０．１", "a@x.0"]
    {
        assert!(Email::parse(text).is_err(), "{text}");
        assert!(EmailKey::parse(text).is_ok(), "{text}");
    }
    assert_eq!(EmailKey::parse(" A@127.0.0.1").unwrap().as_str(), "a@127.0.0.1");
    for text in ["a@example.1a", "a@1.example", "a@127.0.0.xn--r8jz45g"] {
        assert!(Email::parse(text).is_ok(), "{text}");
    }
    assert_eq!(EmailKey::parse("ada"), Err(EmailError));
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
        domain in "[a-zA-Z0-9]{1,20}(\\.[a-zA-Z0-9]{1,10}){0,2}\\.[a-zA-Z]{1,10}",
    ) {
        // A label with the prefix `xn--` is rejected if it is invalid Punycode.
        prop_assume!(!domain.to_ascii_lowercase().contains("xn--"));
        let email = Email::parse(&format!(" {local}@{domain} ")).unwrap();
        prop_assert_eq!(Email::parse(email.as_str()).unwrap(), email.clone());
        let normalised = Email::parse(email.key().as_str()).unwrap();
        prop_assert_eq!(normalised.key(), email.key());
    }

    #[test]
    fn invisible_characters_do_not_change_an_email(
        invisible in prop::sample::select(vec!['\u{ad}', '\u{200b}', '\u{200d}', '\u{202e}', '\u{2060}', '\u{feff}']),
        at in 0..=15_usize,
    ) {
        let mut text = "ada@example.com".to_owned();
        text.insert(at, invisible);
        prop_assert_eq!(Email::parse(&text).unwrap(), Email::parse("ada@example.com").unwrap());
    }

    #[test]
    fn an_accepted_email_is_accepted_again_as_displayed(text in "\\PC{0,5}[a-z＠@\\PC]{1,10}@\\PC{0,8}\\.\\PC{1,8}") {
        if let Ok(email) = Email::parse(&text) {
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
            prop_assert_eq!(EmailKey::parse(&text), Ok(email.key().clone()));
        }
    }
}
