use auth_core::{IdError, SessionId, UserId};
use uuid::Uuid;

#[test]
fn an_id_is_accepted_in_any_case_and_displayed_in_lower_case() {
    let id = "018bcfe5-6800-71a7-88fa-24ca48016aa1";
    for spelling in [id, &id.to_uppercase()] {
        assert_eq!(spelling.parse::<UserId>().unwrap().to_string(), id);
        assert_eq!(spelling.parse::<SessionId>().unwrap().to_string(), id);
    }
}

#[test]
fn a_user_id_can_be_a_uuid_of_any_version() {
    for id in [
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8", // version 1
        "f47ac10b-58cc-4372-a567-0e02b2c3d479", // version 4
        "f47ac10b-58cc-4372-c567-0e02b2c3d479", // the variant of Microsoft's GUIDs
    ] {
        assert_eq!(id.parse::<UserId>().unwrap().to_string(), id);
        assert_eq!(id.parse::<SessionId>(), Err(IdError));
        let uuid = Uuid::try_parse(id).unwrap();
        assert_eq!(UserId::try_from(uuid).unwrap().as_uuid(), &uuid);
    }
}

#[test]
fn the_nil_and_the_max_uuid_are_not_ids() {
    for uuid in [Uuid::nil(), Uuid::max()] {
        assert_eq!(uuid.to_string().parse::<UserId>(), Err(IdError));
        assert_eq!(UserId::try_from(uuid), Err(IdError));
    }
}

#[test]
fn text_that_is_not_a_uuid_with_hyphens_is_not_an_id() {
    let id = "018bcfe5-6800-71a7-88fa-24ca48016aa1";
    for text in [
        String::new(),
        "ada".to_owned(),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!(" {id}"),
        format!("{id}\n"),
        format!("{id}0"),
        id.replace('-', ""),
        id.replacen('-', "_", 1),
        id.replacen('a', "g", 1),
    ] {
        assert!(text.parse::<UserId>().is_err(), "{text:?}");
        assert!(text.parse::<SessionId>().is_err(), "{text:?}");
    }
}
