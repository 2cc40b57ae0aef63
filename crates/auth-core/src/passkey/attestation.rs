//! Attestation objects (Web Authentication Level 3, 6.5.4).

use minicbor::Decoder;

use super::{InvalidCredential, cbor};

/// Returns the authenticator data in an attestation object. The attestation statement must be
/// well-formed, but is not verified.
pub(super) fn authenticator_data(object: &[u8]) -> Result<&[u8], InvalidCredential> {
    read(object).ok_or(InvalidCredential::AttestationObject)
}

fn read(object: &[u8]) -> Option<&[u8]> {
    let mut decoder = Decoder::new(object);
    let mut format = None;
    let mut statement = None;
    let mut data = None;
    for _ in 0..cbor::map(&mut decoder).ok()? {
        let is_repeated = match decoder.str().ok()? {
            "fmt" => format.replace(decoder.str().ok()?).is_some(),
            "attStmt" => statement.replace(cbor::skip_text_map(&mut decoder).ok()?).is_some(),
            "authData" => data.replace(decoder.bytes().ok()?).is_some(),
            _ => {
                cbor::skip(&mut decoder).ok()?;
                false
            }
        };
        if is_repeated {
            return None;
        }
    }
    let is_complete = format.is_some() && statement.is_some();
    if is_complete && decoder.position() == object.len() { data } else { None }
}
