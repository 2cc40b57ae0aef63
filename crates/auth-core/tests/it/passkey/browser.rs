//! Registrations and assertions of Chromium with virtual authenticators, which `make_passkeys.mjs`
//! has recorded.

use auth_core::{
    AssertionCredential, InvalidCredential as Error, Origin, RegistrationCredential, RelyingParty,
};
use serde_json::Value;

const USER_HANDLE: &[u8] = b"sixteen bytes id";

fn records() -> Vec<Value> {
    serde_json::from_str(include_str!("../../data/passkeys.json")).unwrap()
}

fn service(record: &Value) -> RelyingParty {
    let origin = Origin::parse(record["origin"].as_str().unwrap()).unwrap();
    RelyingParty::new(&origin).unwrap()
}

/// Returns the error that is expected for a record.
fn expected(record: &Value) -> Option<Error> {
    match record["name"].as_str().unwrap() {
        "user not verified" | "U2F" => Some(Error::UserNotVerified),
        "cross-origin frame" => Some(Error::CrossOrigin),
        _ => None,
    }
}

#[test]
fn passkeys_of_chromium_are_registered_and_used() {
    let mut accepted = 0;
    for record in records() {
        let (name, service) = (&record["name"], service(&record));
        let registration = RegistrationCredential::parse(&record["registration"]).unwrap();
        assert_eq!(registration.challenge().len(), 32, "{name}");
        let verified = match service.verify_registration(&registration) {
            Ok(verified) => verified,
            Err(error) => {
                assert_eq!(Some(error), expected(&record), "{name}");
                continue;
            }
        };
        assert_eq!(expected(&record), None, "{name}");
        let mut state = verified.state;
        for json in record["assertions"].as_array().unwrap() {
            let assertion = AssertionCredential::parse(json).unwrap();
            assert_eq!(assertion.credential_id(), &verified.credential_id, "{name}");
            let is_discoverable = name != "not discoverable";
            assert_eq!(assertion.user_handle(), is_discoverable.then_some(USER_HANDLE), "{name}");
            let used = service.verify_assertion(&assertion, &verified.public_key).unwrap();
            state = state.accept(&used).unwrap();
            // The same response is not accepted again.
            assert!(state.accept(&used).is_err(), "{name}");
        }
        let is_synchronised = name == "synchronised";
        assert_eq!(state.backed_up, is_synchronised, "{name}");
        assert_eq!(state.backup_eligible, is_synchronised || name == "eligible for a backup");
        accepted += 1;
    }
    assert_eq!(accepted, 10);
}
