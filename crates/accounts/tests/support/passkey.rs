//! A passkey in software, and the browser that uses it.

use auth_core::{AssertionCredential, RegistrationCredential};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

// The flags of authenticator data.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const ATTESTED: u8 = 0x40;

/// A passkey with its private key. Tests can change what it sends next.
pub(crate) struct SoftPasskey {
    key: Ed25519KeyPair,
    /// The ID of the credential.
    pub(crate) id: Vec<u8>,
    /// The origin of the page that uses the passkey.
    pub(crate) origin: String,
    pub(crate) rp_id: String,
    /// The user handle that it sends, if it sends one.
    pub(crate) user_handle: Option<Vec<u8>>,
    /// The value of its signature counter.
    pub(crate) sign_count: u32,
}

impl SoftPasskey {
    /// Creates a passkey for the service at this origin, which is also its relying party.
    pub(crate) fn new(origin: &str, user_handle: &[u8]) -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let id = key.public_key().as_ref()[..16].to_vec();
        let (_, host) = origin.split_once("://").unwrap();
        let rp_id = host.split(':').next().unwrap().to_owned();
        let user_handle = Some(user_handle.to_vec());
        Self { key, id, origin: origin.to_owned(), rp_id, user_handle, sign_count: 0 }
    }

    /// Returns the `RegistrationResponseJSON` for a challenge.
    pub(crate) fn register_json(&self, challenge: &[u8]) -> Value {
        let mut data = self.authenticator_data(USER_PRESENT | USER_VERIFIED | ATTESTED);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // The COSE key: kty OKP, alg EdDSA, crv Ed25519, x.
        data.extend([0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20]);
        data.extend(self.key.public_key().as_ref());
        let mut object = vec![0xa3];
        object.extend(b"\x63fmt\x64none");
        object.extend(b"\x67attStmt\xa0");
        object.extend(b"\x68authData\x58");
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let client_data = self.client_data("webauthn.create", challenge);
        self.credential(&json!({
            "clientDataJSON": base64url(&client_data),
            "attestationObject": base64url(&object),
        }))
    }

    /// Returns the `AuthenticationResponseJSON` for a challenge.
    pub(crate) fn assert_json(&self, challenge: &[u8]) -> Value {
        let data = self.authenticator_data(USER_PRESENT | USER_VERIFIED);
        let client_data = self.client_data("webauthn.get", challenge);
        let message = [data.as_slice(), digest(&SHA256, &client_data).as_ref()].concat();
        self.credential(&json!({
            "clientDataJSON": base64url(&client_data),
            "authenticatorData": base64url(&data),
            "signature": base64url(self.key.sign(&message).as_ref()),
            "userHandle": self.user_handle.as_deref().map(base64url),
        }))
    }

    pub(crate) fn register(&self, challenge: &[u8]) -> RegistrationCredential {
        RegistrationCredential::parse(&self.register_json(challenge)).unwrap()
    }

    pub(crate) fn assert(&self, challenge: &[u8]) -> AssertionCredential {
        AssertionCredential::parse(&self.assert_json(challenge)).unwrap()
    }

    fn authenticator_data(&self, flags: u8) -> Vec<u8> {
        let mut data = digest(&SHA256, self.rp_id.as_bytes()).as_ref().to_vec();
        data.push(flags);
        data.extend(self.sign_count.to_be_bytes());
        data
    }

    fn client_data(&self, ceremony: &str, challenge: &[u8]) -> Vec<u8> {
        let challenge = base64url(challenge);
        let client_data = json!({
            "type": ceremony, "challenge": challenge, "origin": self.origin, "crossOrigin": false,
        });
        client_data.to_string().into_bytes()
    }

    fn credential(&self, response: &Value) -> Value {
        let id = base64url(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "response": response })
    }
}

fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
