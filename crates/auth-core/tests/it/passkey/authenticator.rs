//! A browser with an authenticator, whose responses tests can alter before they are signed.

use auth_core::{CredentialId, Origin, PasskeyAlgorithm, PasskeyPublicKey, RelyingParty};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use minicbor::Encoder;
use serde_json::{Value, json};

pub(super) const ORIGIN: &str = "https://auth.example.com";
pub(super) const RP_ID: &str = "auth.example.com";
pub(super) const CHALLENGE: &[u8] = b"a challenge of the service";

// The flags of authenticator data.
pub(super) const UP: u8 = 0x01;
pub(super) const UV: u8 = 0x04;
pub(super) const BE: u8 = 0x08;
pub(super) const BS: u8 = 0x10;
pub(super) const AT: u8 = 0x40;
pub(super) const ED: u8 = 0x80;

/// An empty CBOR map.
pub(super) const EMPTY_MAP: &[u8] = &[0xa0];

pub(super) fn service() -> RelyingParty {
    RelyingParty::new(&Origin::parse(ORIGIN).unwrap()).unwrap()
}

pub(super) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    digest(&SHA256, bytes).as_ref().to_vec()
}

/// A passkey with its private key.
pub(super) struct Authenticator {
    pub(super) id: Vec<u8>,
    key: Key,
}

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
}

impl Authenticator {
    pub(super) fn new(algorithm: PasskeyAlgorithm) -> Self {
        let key = match algorithm {
            PasskeyAlgorithm::Es256 => {
                Key::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
            }
            PasskeyAlgorithm::EdDsa => Key::EdDsa(Ed25519KeyPair::generate().unwrap()),
            PasskeyAlgorithm::Rs256 => Key::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()),
            other => panic!("no key for {other:?}"),
        };
        Self { id: b"the ID of the passkey".to_vec(), key }
    }

    /// Returns the public key as a COSE key.
    pub(super) fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                es256(&point[1..33], &point[33..])
            }
            Key::EdDsa(key) => ed25519(key.public_key().as_ref()),
            Key::Rs256(key) => {
                let key: RsaPublicKeyComponents<Vec<u8>> = key.public_key().into();
                rs256(&key.n, &key.e)
            }
        }
    }

    pub(super) fn public_key(&self) -> PasskeyPublicKey {
        PasskeyPublicKey::from_cose(&self.cose()).unwrap()
    }

    pub(super) fn credential_id(&self) -> CredentialId {
        CredentialId::from_bytes(&self.id).unwrap()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
            Key::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
        }
    }

    /// Returns a valid registration.
    pub(super) fn register(&self) -> Registration {
        let attested = AttestedCredential { id: self.id.clone(), cose: self.cose() };
        let data = AuthenticatorData {
            flags: UP | UV | AT,
            attested: Some(attested),
            ..AuthenticatorData::default()
        };
        Registration {
            credential: credential(&self.id),
            client_data: ClientData::new("webauthn.create"),
            data,
            attestation: None,
        }
    }

    /// Returns a valid assertion.
    pub(super) fn assert(&self) -> Assertion<'_> {
        Assertion {
            authenticator: self,
            credential: credential(&self.id),
            client_data: ClientData::new("webauthn.get"),
            data: AuthenticatorData::default(),
            signature: None,
        }
    }
}

/// Returns the members of a credential that both ceremonies have.
fn credential(id: &[u8]) -> Value {
    json!({
        "id": base64url(id),
        "rawId": base64url(id),
        "type": "public-key",
        "authenticatorAttachment": "platform",
        "clientExtensionResults": {},
        "response": {},
    })
}

/// The client data of a browser.
pub(super) struct ClientData {
    pub(super) members: Value,
    /// If given, the bytes that are sent instead of `members`.
    pub(super) bytes: Option<Vec<u8>>,
}

impl ClientData {
    fn new(ceremony: &str) -> Self {
        let members = json!({
            "type": ceremony,
            "challenge": base64url(CHALLENGE),
            "origin": ORIGIN,
            "crossOrigin": false,
            "other_keys_can_be_added_here": "do not compare clientDataJSON against a template",
        });
        Self { members, bytes: None }
    }

    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone().unwrap_or_else(|| self.members.to_string().into_bytes())
    }
}

/// Authenticator data.
pub(super) struct AuthenticatorData {
    pub(super) rp_id: &'static str,
    pub(super) flags: u8,
    pub(super) sign_count: u32,
    pub(super) attested: Option<AttestedCredential>,
    /// The bytes at the end: extension data, or bytes that are not allowed there.
    pub(super) rest: Vec<u8>,
    /// If given, the data are cut to this number of bytes.
    pub(super) length: Option<usize>,
}

pub(super) struct AttestedCredential {
    pub(super) id: Vec<u8>,
    pub(super) cose: Vec<u8>,
}

impl Default for AuthenticatorData {
    fn default() -> Self {
        Self {
            rp_id: RP_ID,
            flags: UP | UV,
            sign_count: 0,
            attested: None,
            rest: Vec::new(),
            length: None,
        }
    }
}

impl AuthenticatorData {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = sha256(self.rp_id.as_bytes());
        bytes.push(self.flags);
        bytes.extend(self.sign_count.to_be_bytes());
        if let Some(attested) = &self.attested {
            bytes.extend([0xaa; 16]);
            bytes.extend(u16::try_from(attested.id.len()).unwrap().to_be_bytes());
            bytes.extend(&attested.id);
            bytes.extend(&attested.cose);
        }
        bytes.extend(&self.rest);
        bytes.truncate(self.length.unwrap_or(bytes.len()));
        bytes
    }
}

/// Makes an attestation object from authenticator data.
pub(super) type MakeAttestation = fn(&[u8]) -> Vec<u8>;

/// A registration that has not been sent yet.
pub(super) struct Registration {
    pub(super) credential: Value,
    pub(super) client_data: ClientData,
    pub(super) data: AuthenticatorData,
    /// If given, makes the attestation object.
    pub(super) attestation: Option<MakeAttestation>,
}

impl Registration {
    /// Returns the `RegistrationResponseJSON`.
    pub(super) fn to_json(&self) -> Value {
        let data = self.data.to_bytes();
        let object = self.attestation.map_or_else(|| none_attestation(&data), |make| make(&data));
        let mut json = self.credential.clone();
        if json["response"].is_object() {
            fill(&mut json["response"], "clientDataJSON", &self.client_data.to_bytes());
            fill(&mut json["response"], "attestationObject", &object);
            json["response"]["transports"] = json!(["internal"]);
            // These repeat the attestation object, and are not used.
            json["response"]["authenticatorData"] = json!(base64url("something else"));
            json["response"]["publicKey"] = json!(base64url("something else"));
        }
        json
    }
}

/// An assertion that has not been signed and sent yet.
pub(super) struct Assertion<'a> {
    authenticator: &'a Authenticator,
    pub(super) credential: Value,
    pub(super) client_data: ClientData,
    pub(super) data: AuthenticatorData,
    /// If given, alters the signature.
    pub(super) signature: Option<fn(&mut Vec<u8>)>,
}

impl Assertion<'_> {
    /// Returns the `AuthenticationResponseJSON`.
    pub(super) fn to_json(&self) -> Value {
        let (data, client_data) = (self.data.to_bytes(), self.client_data.to_bytes());
        let message = [data.clone(), sha256(&client_data)].concat();
        let mut signature = self.authenticator.sign(&message);
        if let Some(alter) = self.signature {
            alter(&mut signature);
        }
        let mut json = self.credential.clone();
        if json["response"].is_object() {
            fill(&mut json["response"], "clientDataJSON", &client_data);
            fill(&mut json["response"], "authenticatorData", &data);
            fill(&mut json["response"], "signature", &signature);
        }
        json
    }
}

/// Adds a member, unless the test has already given it another value.
fn fill(object: &mut Value, member: &str, bytes: &[u8]) {
    let members = object.as_object_mut().unwrap();
    if !members.contains_key(member) {
        members.insert(member.to_owned(), json!(base64url(bytes)));
    }
}

/// Returns an attestation object of the format `none`.
pub(super) fn none_attestation(data: &[u8]) -> Vec<u8> {
    cbor(|encoder| {
        encoder.map(3)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
        encoder.str("authData")?.bytes(data)?.ok()
    })
}

pub(super) fn es256(x: &[u8], y: &[u8]) -> Vec<u8> {
    cbor(|encoder| {
        encoder.map(5)?.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.i8(1)?;
        encoder.i8(-2)?.bytes(x)?.i8(-3)?.bytes(y)?.ok()
    })
}

pub(super) fn ed25519(x: &[u8]) -> Vec<u8> {
    cbor(|encoder| {
        encoder.map(4)?.i8(1)?.i8(1)?.i8(3)?.i8(-8)?.i8(-1)?.i8(6)?.i8(-2)?.bytes(x)?.ok()
    })
}

pub(super) fn rs256(n: &[u8], e: &[u8]) -> Vec<u8> {
    cbor(|encoder| {
        encoder.map(4)?.i8(1)?.i8(3)?.i8(3)?.i16(-257)?.i8(-1)?.bytes(n)?.i8(-2)?.bytes(e)?.ok()
    })
}

pub(super) type EncodeResult = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

pub(super) fn cbor(write: impl FnOnce(&mut Encoder<Vec<u8>>) -> EncodeResult) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder).unwrap();
    encoder.into_writer()
}

/// Decodes base64url.
pub(super) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
