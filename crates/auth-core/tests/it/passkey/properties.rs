use auth_core::{
    AssertionCredential, PasskeyAlgorithm, PasskeyPublicKey, RegistrationCredential, RelyingParty,
};
use proptest::collection::vec;
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::json;

use super::authenticator::{Authenticator, base64url, none_attestation, service};

fn register(service: &RelyingParty, client_data: &[u8], object: &[u8]) -> bool {
    let json = json!({
        "id": "AAAA",
        "rawId": "AAAA",
        "type": "public-key",
        "response": {
            "clientDataJSON": base64url(client_data),
            "attestationObject": base64url(object),
        },
    });
    let credential = RegistrationCredential::parse(&json);
    credential.is_ok_and(|credential| service.verify_registration(&credential).is_ok())
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_rejected(
        client_data in vec(any::<u8>(), 0..200),
        object in vec(any::<u8>(), 0..300),
        key in vec(any::<u8>(), 0..100),
    ) {
        let service = service();
        let valid = json!({
            "type": "webauthn.create",
            "challenge": "AAAA",
            "origin": super::authenticator::ORIGIN,
        });
        let valid = valid.to_string().into_bytes();
        prop_assert!(!register(&service, &client_data, &object));
        prop_assert!(!register(&service, &valid, &object));
        prop_assert!(!register(&service, &valid, &none_attestation(&object)));
        prop_assert!(PasskeyPublicKey::from_cose(&key).is_err());
    }

    #[test]
    fn an_assertion_with_one_changed_byte_is_rejected(
        member in 0..3_usize,
        index in any::<proptest::sample::Index>(),
        difference in 1..=u8::MAX,
    ) {
        static AUTHENTICATOR: std::sync::LazyLock<Authenticator> =
            std::sync::LazyLock::new(|| Authenticator::new(PasskeyAlgorithm::EdDsa));
        let mut json = AUTHENTICATOR.assert().to_json();
        let member = ["clientDataJSON", "authenticatorData", "signature"][member];
        let mut bytes = super::authenticator::decode(json["response"][member].as_str().unwrap());
        let index = index.index(bytes.len());
        bytes[index] ^= difference;
        json["response"][member] = json!(base64url(&bytes));
        let verified = AssertionCredential::parse(&json).and_then(|credential| {
            service().verify_assertion(&credential, &AUTHENTICATOR.public_key())
        });
        prop_assert!(verified.is_err());
    }

    #[test]
    fn a_key_that_is_accepted_survives_storage(x in any::<[u8; 32]>()) {
        let key = PasskeyPublicKey::from_cose(&super::authenticator::ed25519(&x)).unwrap();
        prop_assert_eq!(PasskeyPublicKey::from_cose(&key.to_cose()), Ok(key));
    }
}
