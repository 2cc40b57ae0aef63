//! The test vectors of Web Authentication Level 3, section 16.
//!
//! `webauthn_vectors.json` contains the challenges, credential IDs, client data, attestation
//! objects, authenticator data and signatures of that section in hexadecimal. Its names are the
//! `info` values from which the specification derives the vectors.

use auth_core::{
    AssertionCredential, InvalidCredential as Error, InvalidPublicKey, Origin, PasskeyPublicKey,
    RegistrationCredential, RelyingParty,
};
use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::authenticator::{UV, base64url};
use Outcome::{Accepted, CrossOrigin, Unsupported};

/// The expected outcome if the user was verified.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Accepted,
    /// The vector comes from a cross-origin frame.
    CrossOrigin,
    /// The algorithm is not supported.
    Unsupported,
}

/// A name, whether the user was verified in the registration and in the assertion, and the outcome.
const VECTORS: [(&str, bool, bool, Outcome); 15] = [
    ("none.ES256", false, false, Accepted),
    ("packed-self.ES256", true, false, Accepted),
    ("none.ES256.crossOrigin", true, true, CrossOrigin),
    ("none.ES256.topOrigin", false, true, CrossOrigin),
    ("none.ES256.long-credential-id", false, true, Accepted),
    ("packed.ES256", true, true, Accepted),
    ("packed.ES384", false, true, Unsupported),
    ("packed.ES512", true, false, Unsupported),
    ("packed.RS256", true, false, Accepted),
    ("packed.EdDSA", false, false, Accepted),
    ("packed.Ed448", false, true, Unsupported),
    ("tpm.ES256", true, true, Accepted),
    ("android-key.ES256", true, false, Accepted),
    ("apple.ES256", false, false, Accepted),
    ("fido-u2f.ES256", false, false, Accepted),
];

struct Vector {
    name: &'static str,
    registration_uv: bool,
    assertion_uv: bool,
    outcome: Outcome,
    json: Value,
}

impl Vector {
    fn all() -> Vec<Self> {
        let all: Vec<Value> =
            serde_json::from_str(include_str!("../../data/webauthn_vectors.json")).unwrap();
        assert_eq!(all.len(), VECTORS.len());
        let named = VECTORS.into_iter().zip(all);
        named
            .map(|((name, registration_uv, assertion_uv, outcome), json)| {
                assert_eq!(json["name"], name);
                Self { name, registration_uv, assertion_uv, outcome, json }
            })
            .collect()
    }

    fn bytes(&self, ceremony: &str, member: &str) -> Vec<u8> {
        from_hex(self.json[ceremony][member].as_str().unwrap())
    }

    /// Returns the index of the authenticator data in the attestation object, where they are last.
    fn data_index(object: &[u8]) -> usize {
        let hash = digest(&SHA256, b"example.org");
        object.windows(32).position(|bytes| bytes == hash.as_ref()).unwrap()
    }

    /// Returns the COSE key, which is last in the attestation object.
    fn cose(&self) -> Vec<u8> {
        let object = self.bytes("registration", "attestationObject");
        let id = self.bytes("registration", "credentialId");
        object[Self::data_index(&object) + 55 + id.len()..].to_vec()
    }

    fn credential(&self, response: &Value) -> Value {
        let id = base64url(self.bytes("registration", "credentialId"));
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response })
    }

    fn registration(&self, object: &[u8]) -> RegistrationCredential {
        let json = self.credential(&json!({
            "clientDataJSON": base64url(self.bytes("registration", "clientDataJSON")),
            "attestationObject": base64url(object),
        }));
        let credential = RegistrationCredential::parse(&json).unwrap();
        assert_eq!(credential.challenge(), self.bytes("registration", "challenge"));
        credential
    }

    fn assertion(&self) -> AssertionCredential {
        let json = self.credential(&json!({
            "clientDataJSON": base64url(self.bytes("authentication", "clientDataJSON")),
            "authenticatorData": base64url(self.bytes("authentication", "authenticatorData")),
            "signature": base64url(self.bytes("authentication", "signature")),
        }));
        let credential = AssertionCredential::parse(&json).unwrap();
        assert_eq!(credential.challenge(), self.bytes("authentication", "challenge"));
        credential
    }
}

fn from_hex(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2).map(|digits| std::str::from_utf8(digits).unwrap());
    digits.map(|digits| u8::from_str_radix(digits, 16).unwrap()).collect()
}

fn service() -> RelyingParty {
    RelyingParty::new(&Origin::parse("https://example.org").unwrap()).unwrap()
}

#[test]
fn the_registrations_of_the_specification_are_accepted_if_the_user_was_verified() {
    for vector in Vector::all() {
        let mut object = vector.bytes("registration", "attestationObject");
        let flags = Vector::data_index(&object) + 32;
        assert_eq!(object[flags] & UV != 0, vector.registration_uv, "{}", vector.name);
        let result = service().verify_registration(&vector.registration(&object));
        if !vector.registration_uv && vector.outcome != CrossOrigin {
            assert_eq!(result, Err(Error::UserNotVerified), "{}", vector.name);
        }
        // A registration is not signed, so everything else can be checked as well.
        object[flags] |= UV;
        let result = service().verify_registration(&vector.registration(&object));
        match vector.outcome {
            Accepted => {
                let verified = result.unwrap();
                let id = vector.bytes("registration", "credentialId");
                assert_eq!(verified.credential_id.as_bytes(), id, "{}", vector.name);
                assert_eq!(verified.public_key.to_cose(), vector.cose(), "{}", vector.name);
            }
            CrossOrigin => assert_eq!(result, Err(Error::CrossOrigin), "{}", vector.name),
            Unsupported => {
                let error = Error::PublicKey(InvalidPublicKey::Algorithm);
                assert_eq!(result, Err(error), "{}", vector.name);
            }
        }
    }
}

#[test]
fn the_assertions_of_the_specification_are_accepted_if_the_user_was_verified() {
    for vector in Vector::all() {
        let key = PasskeyPublicKey::from_cose(&vector.cose());
        if vector.outcome == Unsupported {
            assert_eq!(key, Err(InvalidPublicKey::Algorithm), "{}", vector.name);
            continue;
        }
        let key = key.unwrap();
        let data = vector.bytes("authentication", "authenticatorData");
        let hash = digest(&SHA256, &vector.bytes("authentication", "clientDataJSON"));
        let message = [&data, hash.as_ref()].concat();
        let signature = vector.bytes("authentication", "signature");
        assert!(key.verifies(&message, &signature), "{}", vector.name);
        let result = service().verify_assertion(&vector.assertion(), &key);
        match (vector.outcome, vector.assertion_uv) {
            (CrossOrigin, _) => assert_eq!(result, Err(Error::CrossOrigin), "{}", vector.name),
            (_, false) => assert_eq!(result, Err(Error::UserNotVerified), "{}", vector.name),
            (_, true) => assert!(result.is_ok(), "{}", vector.name),
        }
    }
}
