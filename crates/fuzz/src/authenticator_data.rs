use auth_core::AssertionCredential;

use crate::cbor;
use crate::passkey::{Data, ID, PASSKEYS, client_data};

/// Checks that authenticator data with a valid signature are accepted if and only if an independent
/// parser accepts them, and that both read the same state.
pub(crate) fn check(input: &[u8]) {
    if cbor::may_be_deep(input) {
        return;
    }
    let json = PASSKEYS.assertion(&client_data("webauthn.get"), input);
    let verified = AssertionCredential::parse(&json)
        .and_then(|credential| PASSKEYS.service.verify_assertion(&credential, &PASSKEYS.key));
    let expected = Data::parse(input)
        .filter(|data| data.credential.as_ref().is_none_or(|(id, _)| id == ID))
        .map(|data| data.state);
    assert_eq!(verified.ok().map(|verified| verified.state), expected);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the corpus contains accepted inputs, not only rejected ones.
    #[test]
    fn authenticator_data_are_accepted_with_and_without_extensions_and_a_credential() {
        for input in [
            &include_bytes!("../corpus/authenticator_data/valid")[..],
            include_bytes!("../corpus/authenticator_data/extensions"),
            include_bytes!("../corpus/authenticator_data/credential"),
        ] {
            assert!(Data::parse(input).is_some());
        }
    }
}
