use auth_core::{SessionId, UserId};

const ID: &str = "018c0000-abcd-7000-8000-00000000ef01";

#[test]
fn an_id_is_parsed_in_any_letter_case_and_written_in_lower_case() {
    for text in [ID, &ID.to_uppercase(), "018c0000-aBcD-7000-8000-00000000Ef01"] {
        assert_eq!(text.parse::<UserId>().unwrap().to_string(), ID);
        assert_eq!(text.parse::<SessionId>().unwrap().to_string(), ID);
    }
}

#[test]
fn text_that_is_not_a_uuid_with_hyphens_is_not_an_id() {
    for text in [
        String::new(),
        "ada".to_owned(),
        format!("{{{ID}}}"),
        format!("urn:uuid:{ID}"),
        format!(" {ID}"),
        format!("{ID}\n"),
        format!("{ID}0"),
        ID.replace('-', ""),
        ID.replacen('-', "_", 1),
        ID.replacen('a', "g", 1),
    ] {
        assert!(text.parse::<UserId>().is_err(), "{text:?}");
        assert!(text.parse::<SessionId>().is_err(), "{text:?}");
    }
}
