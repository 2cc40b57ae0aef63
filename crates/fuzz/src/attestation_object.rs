use auth_core::{InvalidCredential, RegistrationCredential};

use crate::cbor::{self, Item};
use crate::cose_key;
use crate::passkey::{Data, ID, PASSKEYS, client_data, registration};

/// Checks that an attestation object is accepted if and only if an independent parser accepts it
/// and its key is valid, and that both read the same credential.
pub(crate) fn check(input: &[u8]) {
    if cbor::may_be_deep(input) {
        return;
    }
    let expected = authenticator_data(input).and_then(|data| Data::parse(&data));
    let credential = expected.as_ref().and_then(|data| data.credential.as_ref());
    let id = credential.map_or(ID, |(id, _)| id);
    let json = registration(id, &client_data("webauthn.create"), input);
    let result = RegistrationCredential::parse(&json)
        .and_then(|credential| PASSKEYS.service.verify_registration(&credential));
    match (result, &expected, credential) {
        (Ok(verified), Some(data), Some((id, cose))) => {
            assert_eq!(verified.credential_id.as_bytes(), id);
            assert_eq!(verified.state, data.state);
            cose_key::assert_matches(cose, &Ok(verified.public_key));
        }
        (Err(InvalidCredential::PublicKey(error)), _, Some((_, cose))) => {
            cose_key::assert_matches(cose, &Err(error));
        }
        (result, _, credential) => {
            assert!(result.is_err());
            assert_eq!(credential, None, "{result:?}");
        }
    }
}

fn authenticator_data(mut input: &[u8]) -> Option<Vec<u8>> {
    let object = Item::take(&mut input)?;
    let get = |key: &str| object.get(&Item::Text(key.to_owned()));
    let (Item::Text(_), statement, Item::Bytes(data)) =
        (get("fmt")?, get("attStmt")?, get("authData")?)
    else {
        return None;
    };
    let is_valid = input.is_empty() && object.is_text_map() && statement.is_text_map();
    is_valid.then(|| data.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the corpus contains accepted inputs, not only rejected ones.
    #[test]
    fn attestation_objects_of_several_formats_are_accepted() {
        for input in [
            &include_bytes!("../corpus/attestation_object/none")[..],
            include_bytes!("../corpus/attestation_object/packed"),
            include_bytes!("../corpus/attestation_object/tpm"),
        ] {
            assert!(authenticator_data(input).and_then(|data| Data::parse(&data)).is_some());
        }
    }
}
