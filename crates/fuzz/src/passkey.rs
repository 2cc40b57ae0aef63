use std::sync::LazyLock;

use auth_core::{Origin, PasskeyPublicKey, PasskeyState, RelyingParty};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::cbor::{self, Item};
use crate::service::NAME;

const RP_ID: &str = "auth.example.com";

/// The ID of the passkey.
pub(crate) const ID: &[u8] = b"passkey";

/// A service and a passkey, which are the same in every run.
pub(crate) struct Passkeys {
    pub(crate) service: RelyingParty,
    pub(crate) key: PasskeyPublicKey,
    pair: Ed25519KeyPair,
}

pub(crate) static PASSKEYS: LazyLock<Passkeys> = LazyLock::new(Passkeys::new);

impl Passkeys {
    #[expect(clippy::expect_used, reason = "the values are constants")]
    fn new() -> Self {
        let origin = Origin::parse(NAME).expect("an origin");
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a seed");
        let cose = cbor::encode_map(&[
            (1, Item::Int(1)),
            (3, Item::Int(-8)),
            (-1, Item::Int(6)),
            (-2, Item::Bytes(pair.public_key().as_ref().to_vec())),
        ]);
        Self {
            service: RelyingParty::new(&origin).expect("a domain"),
            key: PasskeyPublicKey::from_cose(&cose).expect("a key"),
            pair,
        }
    }

    /// Returns an `AuthenticationResponseJSON` with a valid signature.
    pub(crate) fn assertion(&self, client_data: &[u8], data: &[u8]) -> Value {
        let message = [data, digest(&SHA256, client_data).as_ref()].concat();
        let mut json = registration(ID, client_data, b"");
        json["response"] = json!({
            "clientDataJSON": encode(client_data),
            "authenticatorData": encode(data),
            "signature": encode(self.pair.sign(&message)),
        });
        json
    }
}

/// Returns a `RegistrationResponseJSON`.
pub(crate) fn registration(id: &[u8], client_data: &[u8], attestation_object: &[u8]) -> Value {
    json!({
        "id": encode(id),
        "rawId": encode(id),
        "type": "public-key",
        "response": {
            "clientDataJSON": encode(client_data),
            "attestationObject": encode(attestation_object),
        },
    })
}

/// Returns valid client data.
pub(crate) fn client_data(ceremony: &str) -> Vec<u8> {
    json!({ "type": ceremony, "challenge": "AAAA", "origin": NAME }).to_string().into_bytes()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Authenticator data, parsed independently.
pub(crate) struct Data {
    pub(crate) state: PasskeyState,
    /// The ID and the encoded key.
    pub(crate) credential: Option<(Vec<u8>, Vec<u8>)>,
}

impl Data {
    /// Parses authenticator data. Returns `None` if they must be rejected.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (hash, rest) = bytes.split_first_chunk::<32>()?;
        let ([flags, counter @ ..], mut rest) = rest.split_first_chunk::<5>()?;
        let has = |bit: u8| flags >> bit & 1 == 1;
        let mut credential = None;
        if has(6) {
            let (length, after) = rest.get(16..)?.split_first_chunk()?;
            let length = usize::from(u16::from_be_bytes(*length));
            let (id, mut after_key) = after.split_at_checked(length)?;
            let before_key = after_key;
            Item::take(&mut after_key)?;
            let key = &before_key[..before_key.len() - after_key.len()];
            credential = Some((id.to_vec(), key.to_vec()));
            rest = after_key;
        }
        if has(7) && !Item::take(&mut rest)?.is_text_map() {
            return None;
        }
        let id_is_valid = credential.as_ref().is_none_or(|(id, _)| (1..=1023).contains(&id.len()));
        let hash_is_valid = hash == digest(&SHA256, RP_ID.as_bytes()).as_ref();
        let flags_are_valid = has(0) && has(2) && (has(3) || !has(4));
        if !(rest.is_empty() && id_is_valid && hash_is_valid && flags_are_valid) {
            return None;
        }
        let state = PasskeyState {
            sign_count: u32::from_be_bytes(*counter),
            backup_eligible: has(3),
            backed_up: has(4),
        };
        Some(Self { state, credential })
    }
}
