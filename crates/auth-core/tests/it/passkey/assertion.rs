use auth_core::{
    AssertionCredential, InvalidCredential as Error, PasskeyAlgorithm, PasskeyState,
    VerifiedAssertion,
};
use serde_json::{Value, json};

use super::authenticator::{
    AT, Assertion, AttestedCredential, Authenticator, BE, BS, CHALLENGE, ED, EMPTY_MAP, ORIGIN, UP,
    UV, base64url, service,
};

fn verify(authenticator: &Authenticator, json: &Value) -> Result<VerifiedAssertion, Error> {
    let credential = AssertionCredential::parse(json)?;
    service().verify_assertion(&credential, &authenticator.public_key())
}

#[test]
fn an_assertion_is_accepted_with_each_algorithm() {
    for algorithm in PasskeyAlgorithm::ALL {
        let authenticator = Authenticator::new(algorithm);
        let mut assertion = authenticator.assert();
        assertion.data.sign_count = 7;
        assertion.data.flags |= BE | BS;
        let json = assertion.to_json();
        let credential = AssertionCredential::parse(&json).unwrap();
        assert_eq!(credential.challenge(), CHALLENGE);
        assert_eq!(credential.credential_id(), &authenticator.credential_id());
        let state = PasskeyState { sign_count: 7, backup_eligible: true, backed_up: true };
        let verified = service().verify_assertion(&credential, &authenticator.public_key());
        assert_eq!(verified, Ok(VerifiedAssertion { state }));
    }
}

#[test]
fn the_user_handle_may_be_missing() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    let parse = |handle: Option<Value>| {
        let mut json = authenticator.assert().to_json();
        if let Some(handle) = handle {
            json["response"]["userHandle"] = handle;
        }
        AssertionCredential::parse(&json)
            .map(|credential| credential.user_handle().map(<[u8]>::to_vec))
    };
    assert_eq!(parse(None), Ok(None));
    assert_eq!(parse(Some(Value::Null)), Ok(None));
    assert_eq!(parse(Some(json!(base64url("ada")))), Ok(Some(b"ada".to_vec())));
    assert_eq!(parse(Some(json!("YQ=="))), Err(Error::Encoding("userHandle")));
    assert_eq!(parse(Some(json!(7))), Err(Error::Member("userHandle")));
}

/// A change to a valid assertion, and the expected error.
type Case = (&'static str, fn(&mut Assertion<'_>), Error);

#[test]
fn each_check_rejects_an_assertion() {
    for algorithm in PasskeyAlgorithm::ALL {
        let authenticator = Authenticator::new(algorithm);
        for (name, change, expected) in CASES {
            let mut assertion = authenticator.assert();
            change(&mut assertion);
            let result = verify(&authenticator, &assertion.to_json());
            assert_eq!(result.as_ref(), Err(expected), "{name}");
        }
    }
}

const CASES: &[Case] = &[
    ("no type", |a| a.credential["type"] = Value::Null, Error::Member("type")),
    ("another type", |a| a.credential["type"] = json!("password"), Error::CredentialType),
    ("another id", |a| a.credential["id"] = json!("AAAA"), Error::CredentialIdMismatch),
    ("no client data", |a| set(a, "clientDataJSON", Value::Null), Error::Member("clientDataJSON")),
    ("no data", |a| set(a, "authenticatorData", json!(1)), Error::Member("authenticatorData")),
    ("no signature", |a| set(a, "signature", Value::Null), Error::Member("signature")),
    (
        "padded data",
        |a| set(a, "authenticatorData", json!("AA==")),
        Error::Encoding("authenticatorData"),
    ),
    ("padded signature", |a| set(a, "signature", json!("AA==")), Error::Encoding("signature")),
    ("not JSON", |a| a.client_data.bytes = Some(b"{".to_vec()), Error::ClientData),
    (
        "type of a registration",
        |a| a.client_data.members["type"] = json!("webauthn.create"),
        Error::Ceremony("webauthn.get"),
    ),
    (
        "another origin",
        |a| a.client_data.members["origin"] = json!("https://example.com"),
        Error::Origin,
    ),
    ("cross origin", |a| a.client_data.members["crossOrigin"] = json!(true), Error::CrossOrigin),
    ("top origin", |a| a.client_data.members["topOrigin"] = json!(ORIGIN), Error::CrossOrigin),
    ("other relying party", |a| a.data.rp_id = "example.com", Error::RelyingParty),
    ("not present", |a| a.data.flags &= !UP, Error::UserNotPresent),
    ("not verified", |a| a.data.flags &= !UV, Error::UserNotVerified),
    ("backed up but not eligible", |a| a.data.flags |= BS, Error::BackupState),
    ("trailing byte", |a| a.data.rest = vec![0], Error::AuthenticatorData),
    ("extensions without their flag", |a| a.data.rest = EMPTY_MAP.into(), Error::AuthenticatorData),
    ("flag without extensions", |a| a.data.flags |= ED, Error::AuthenticatorData),
    ("flag without credential", |a| a.data.flags |= AT, Error::AuthenticatorData),
    (
        "another credential in the data",
        |a| {
            a.data.flags |= AT;
            a.data.attested = Some(AttestedCredential { id: vec![1], cose: vec![0xa0] });
        },
        Error::CredentialIdMismatch,
    ),
    ("empty data", |a| a.data.length = Some(0), Error::AuthenticatorData),
    ("short data", |a| a.data.length = Some(36), Error::AuthenticatorData),
    ("empty signature", |a| a.signature = Some(Vec::clear), Error::Signature),
    (
        "altered signature",
        |a| a.signature = Some(|s| *s.last_mut().unwrap() ^= 1),
        Error::Signature,
    ),
    ("longer signature", |a| a.signature = Some(|s| s.push(0)), Error::Signature),
    ("signature of zeros", |a| a.signature = Some(|s| s.fill(0)), Error::Signature),
];

fn set(assertion: &mut Assertion<'_>, member: &str, value: Value) {
    assertion.credential["response"][member] = value;
}

#[test]
fn the_signature_covers_the_authenticator_data_and_the_client_data() {
    for algorithm in PasskeyAlgorithm::ALL {
        let authenticator = Authenticator::new(algorithm);
        let json = authenticator.assert().to_json();
        assert!(verify(&authenticator, &json).is_ok());
        let mut other = authenticator.assert();
        other.data.sign_count = 1;
        let mut spliced = json.clone();
        spliced["response"]["authenticatorData"] =
            other.to_json()["response"]["authenticatorData"].clone();
        assert_eq!(verify(&authenticator, &spliced), Err(Error::Signature));
        let mut other = authenticator.assert();
        other.client_data.members["challenge"] = json!("AAAA");
        let mut spliced = json.clone();
        spliced["response"]["clientDataJSON"] =
            other.to_json()["response"]["clientDataJSON"].clone();
        assert_eq!(verify(&authenticator, &spliced), Err(Error::Signature));
    }
}

#[test]
fn an_assertion_is_rejected_with_another_key() {
    let authenticators = PasskeyAlgorithm::ALL.map(Authenticator::new);
    for signer in &authenticators {
        let json = signer.assert().to_json();
        for other in authenticators.iter().filter(|other| !std::ptr::eq(*other, signer)) {
            assert_eq!(verify(other, &json), Err(Error::Signature));
        }
        let algorithm = signer.public_key().algorithm();
        assert_eq!(verify(&Authenticator::new(algorithm), &json), Err(Error::Signature));
    }
}

#[test]
fn extensions_and_the_credential_itself_may_be_in_the_authenticator_data() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::Es256);
    let mut assertion = authenticator.assert();
    assertion.data.flags |= AT | ED;
    assertion.data.attested =
        Some(AttestedCredential { id: authenticator.id.clone(), cose: authenticator.cose() });
    assertion.data.rest = EMPTY_MAP.to_vec();
    assert!(verify(&authenticator, &assertion.to_json()).is_ok());
}
