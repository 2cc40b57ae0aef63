use auth_core::AssertionCredential;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::members::Members;
use crate::passkey::PASSKEYS;
use crate::service::NAME;

/// Checks that client data with a valid signature are accepted if and only if an independent parser
/// accepts them, and that both read the same challenge.
pub(crate) fn check(input: &[u8]) {
    let data = [digest(&SHA256, b"auth.example.com").as_ref(), &[5, 0, 0, 0, 0]].concat();
    let json = PASSKEYS.assertion(input, &data);
    let challenge = AssertionCredential::parse(&json).ok().and_then(|credential| {
        PASSKEYS.service.verify_assertion(&credential, &PASSKEYS.key).ok()?;
        Some(credential.challenge().to_vec())
    });
    assert_eq!(challenge, expected(input));
}

/// Returns the challenge in valid client data.
fn expected(input: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(input).ok()?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let names = ["type", "challenge", "origin", "crossOrigin", "topOrigin"];
    let members = Members::parse(text.as_bytes(), &names)?;
    let cross_origin = members.known.get("crossOrigin").unwrap_or(&Value::Null);
    let is_valid = members.text("type")? == "webauthn.get"
        && members.text("origin")? == NAME
        && (cross_origin.is_null() || cross_origin == false)
        && !members.known.contains_key("topOrigin");
    let challenge = URL_SAFE_NO_PAD.decode(members.text("challenge")?).ok()?;
    is_valid.then_some(challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the corpus contains accepted inputs, not only rejected ones.
    #[test]
    fn client_data_of_browsers_are_accepted() {
        for input in [
            &include_bytes!("../corpus/client_data/valid")[..],
            include_bytes!("../corpus/client_data/additional"),
            include_bytes!("../corpus/client_data/byte-order-mark"),
        ] {
            assert!(expected(input).is_some());
        }
    }
}
