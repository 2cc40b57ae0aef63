//! Authenticator data (Web Authentication Level 3, 6.1).

use minicbor::Decoder;

use super::{
    CredentialId, InvalidCredential, InvalidPublicKey, PasskeyPublicKey, PasskeyState, cbor,
};

const USER_PRESENT: u8 = 1;
const USER_VERIFIED: u8 = 1 << 2;
const BACKUP_ELIGIBLE: u8 = 1 << 3;
const BACKED_UP: u8 = 1 << 4;
const ATTESTED_CREDENTIAL: u8 = 1 << 6;
const EXTENSIONS: u8 = 1 << 7;

/// The length of the AAGUID, which identifies the model of an authenticator. It is not used.
const AAGUID_BYTES: usize = 16;

/// The data that an authenticator signs, together with a hash of the client data.
pub(super) struct AuthenticatorData {
    pub(super) rp_id_hash: [u8; 32],
    pub(super) user_present: bool,
    pub(super) user_verified: bool,
    pub(super) state: PasskeyState,
    pub(super) attested: Option<AttestedCredential>,
}

/// The new credential in the authenticator data of a registration.
pub(super) struct AttestedCredential {
    pub(super) id: CredentialId,
    /// The key, or an error if the key is well-formed but cannot be used.
    pub(super) public_key: Result<PasskeyPublicKey, InvalidPublicKey>,
}

impl AuthenticatorData {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, InvalidCredential> {
        let mut rest = bytes;
        let rp_id_hash = take(&mut rest)?;
        let [flags] = take(&mut rest)?;
        let sign_count = u32::from_be_bytes(take(&mut rest)?);
        let mut attested = None;
        if flags & ATTESTED_CREDENTIAL != 0 {
            attested = Some(AttestedCredential::take(&mut rest)?);
        }
        if flags & EXTENSIONS != 0 {
            take_item(&mut rest, cbor::skip_text_map)?;
        }
        if !rest.is_empty() {
            return Err(InvalidCredential::AuthenticatorData);
        }
        Ok(Self {
            rp_id_hash,
            user_present: flags & USER_PRESENT != 0,
            user_verified: flags & USER_VERIFIED != 0,
            state: PasskeyState {
                sign_count,
                backup_eligible: flags & BACKUP_ELIGIBLE != 0,
                backed_up: flags & BACKED_UP != 0,
            },
            attested,
        })
    }
}

impl AttestedCredential {
    fn take(rest: &mut &[u8]) -> Result<Self, InvalidCredential> {
        take::<AAGUID_BYTES>(rest)?;
        let length = usize::from(u16::from_be_bytes(take(rest)?));
        let (id, after) =
            rest.split_at_checked(length).ok_or(InvalidCredential::AuthenticatorData)?;
        *rest = after;
        let id = CredentialId::from_bytes(id)?;
        let public_key = take_item(rest, cbor::skip)?;
        Ok(Self { id, public_key: PasskeyPublicKey::from_cose(public_key) })
    }
}

/// Removes the first `N` bytes.
fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], InvalidCredential> {
    let (first, after) = rest.split_first_chunk().ok_or(InvalidCredential::AuthenticatorData)?;
    *rest = after;
    Ok(*first)
}

/// Removes a CBOR item that `skip` reads.
fn take_item<'a>(
    rest: &mut &'a [u8],
    skip: fn(&mut Decoder<'_>) -> Result<(), minicbor::decode::Error>,
) -> Result<&'a [u8], InvalidCredential> {
    let mut decoder = Decoder::new(rest);
    skip(&mut decoder).map_err(|_| InvalidCredential::AuthenticatorData)?;
    let (item, after) =
        rest.split_at_checked(decoder.position()).ok_or(InvalidCredential::AuthenticatorData)?;
    *rest = after;
    Ok(item)
}
