use auth_core::{NewPassword, Password, PasswordError, PasswordPolicy};
use icu_normalizer::DecomposingNormalizerBorrowed;
use proptest::prelude::*;

fn parse(text: &str) -> Result<NewPassword, PasswordError> {
    NewPassword::parse(text, &PasswordPolicy::default(), &["ada@example.com", "Latchkey"])
}

fn error(text: &str) -> PasswordError {
    parse(text).expect_err(text)
}

#[test]
fn any_unicode_text_of_the_minimum_length_is_accepted() {
    for text in [
        "        ",
        "🔑🔑🔑🔑🔑🔑🔑🔑",
        " leading and trailing ",
        "пароль на море",
        "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}",
    ] {
        assert_eq!(parse(text).unwrap().as_str(), text);
    }
}

#[test]
fn length_is_counted_in_code_points_after_normalisation() {
    let decomposed = "e\u{301}".repeat(7);
    assert_eq!(error(&decomposed), PasswordError::TooShort { min_length: 8 });
    assert!(parse(&"e\u{301}".repeat(8)).is_ok());
    assert_eq!(error("🔑🔑🔑🔑🔑🔑🔑"), PasswordError::TooShort { min_length: 8 });
}

#[test]
fn a_password_is_normalised_to_nfc_and_not_to_nfkc() {
    assert_eq!(Password::new("cafe\u{301}").as_str(), "caf\u{e9}");
    assert_eq!(Password::new("ﬁsh\u{2460}").as_str(), "ﬁsh\u{2460}");
}

#[test]
fn a_password_of_up_to_1024_bytes_is_accepted_and_not_truncated() {
    let longest = "ab".repeat(512);
    assert_eq!(parse(&longest).unwrap().as_str(), longest);
    assert_eq!(error(&format!("{longest}c")), PasswordError::TooLong);
    assert_eq!(error(&"é".repeat(513)), PasswordError::TooLong);
}

#[test]
fn u_0000_is_rejected() {
    assert_eq!(error("a long\0walk"), PasswordError::Nul);
}

#[test]
fn the_most_common_passwords_are_rejected_ignoring_case() {
    for text in
        ["password", "12345678", "Password1", "QWERTYUIOP", "iloveyou", "1q2w3e4r", "password123"]
    {
        assert_eq!(error(text), PasswordError::Common, "{text}");
    }
}

#[test]
fn context_words_are_rejected_ignoring_case() {
    assert_eq!(error("ADA@example.com"), PasswordError::Common);
    assert_eq!(error("latchKEY"), PasswordError::Common);
    for spelling in ["ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example", "ADA@BÜCHER.example"]
    {
        for word in ["ada@bu\u{308}cher.example", "ada@bücher.example", "ada@xn--bcher-kva.example"]
        {
            let rejected = NewPassword::parse(spelling, &PasswordPolicy::default(), &[word]);
            assert_eq!(rejected.unwrap_err(), PasswordError::Common, "{spelling} {word}");
        }
    }
    assert!(parse("latchkey and more").is_ok());
}

#[test]
fn the_minimum_length_must_be_between_1_and_64() {
    assert!(PasswordPolicy::new(0).is_err());
    assert!(PasswordPolicy::new(65).is_err());
    let one = PasswordPolicy::new(1).unwrap();
    assert!(NewPassword::parse("ü", &one, &[]).is_ok());
    assert_eq!(
        NewPassword::parse("", &one, &[]).unwrap_err(),
        PasswordError::TooShort { min_length: 1 }
    );
    let maximum = PasswordPolicy::new(64).unwrap();
    assert!(NewPassword::parse("ab".repeat(32), &maximum, &[]).is_ok());
}

#[test]
fn debug_output_does_not_contain_the_password() {
    let password = parse("a long walk").unwrap();
    assert!(!format!("{password:?}").contains("walk"));
}

proptest! {
    #[test]
    fn checking_a_password_never_panics(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn canonically_equivalent_texts_are_the_same_password(text in any::<String>()) {
        let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
        let (typed, decomposed) = (Password::new(text), Password::new(decomposed));
        prop_assert_eq!(typed.as_str(), decomposed.as_str());
    }
}
