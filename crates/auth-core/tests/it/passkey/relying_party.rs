use auth_core::{
    AssertionCredential, CredentialId, InvalidCredential, InvalidCredentialId, Origin,
    PasskeyAlgorithm, PasskeysUnavailable, RegistrationCredential, RelyingParty,
};
use serde_json::json;

use super::authenticator::Authenticator;

#[test]
fn the_relying_party_id_is_the_host_of_the_origin() {
    for (origin, id) in [
        ("https://auth.example.com", "auth.example.com"),
        ("https://auth.example.com:8443", "auth.example.com"),
        ("http://localhost:8080", "localhost"),
        ("https://bücher.example", "xn--bcher-kva.example"),
        ("https://1.2.3.4.example", "1.2.3.4.example"),
    ] {
        let service = RelyingParty::new(&Origin::parse(origin).unwrap());
        assert_eq!(service.map(|service| service.id().to_owned()), Ok(id.to_owned()), "{origin}");
    }
}

#[test]
fn passkeys_are_unavailable_on_ip_addresses() {
    for origin in
        ["http://127.0.0.1", "https://192.0.2.1:8443", "http://[::1]:8080", "http://0x7f.1"]
    {
        let service = RelyingParty::new(&Origin::parse(origin).unwrap());
        assert_eq!(service, Err(PasskeysUnavailable), "{origin}");
    }
}

#[test]
fn loopback_addresses_are_not_the_origin_of_localhost() {
    let origin = Origin::localhost(8080);
    let service = RelyingParty::new(&origin).unwrap();
    let authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    for (text, accepted) in [
        ("http://localhost:8080", true),
        ("http://127.0.0.1:8080", false),
        ("http://[::1]:8080", false),
        ("http://localhost", false),
    ] {
        let mut assertion = authenticator.assert();
        assertion.data.rp_id = "localhost";
        assertion.client_data.members["origin"] = json!(text);
        let credential = AssertionCredential::parse(&assertion.to_json()).unwrap();
        let result = service.verify_assertion(&credential, &authenticator.public_key());
        if accepted {
            assert!(result.is_ok(), "{text}");
        } else {
            assert!(origin.matches(text.as_bytes()) || text == "http://localhost");
            assert_eq!(result, Err(InvalidCredential::Origin), "{text}");
        }
    }
}

#[test]
fn debug_output_of_credentials_contains_only_their_id() {
    let mut authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    authenticator.id = vec![0; 3];
    let registration = RegistrationCredential::parse(&authenticator.register().to_json()).unwrap();
    assert_eq!(format!("{registration:?}"), "RegistrationCredential(AAAA, …)");
    let assertion = AssertionCredential::parse(&authenticator.assert().to_json()).unwrap();
    assert_eq!(format!("{assertion:?}"), "AssertionCredential(AAAA, …)");
}

#[test]
fn a_credential_id_has_1_to_1023_bytes() {
    for length in [1, 16, 1023] {
        let id = CredentialId::from_bytes(&vec![7; length]).unwrap();
        assert_eq!(id.as_bytes().len(), length);
    }
    for length in [0, 1024] {
        assert_eq!(CredentialId::from_bytes(&vec![7; length]), Err(InvalidCredentialId));
    }
    assert_eq!(CredentialId::from_bytes(&[0xfb, 0xff]).unwrap().to_text(), "-_8");
}
