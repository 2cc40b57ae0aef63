//! Prints altered registrations and assertions of passkeys, each with the verdict of `auth-core`.
//!
//! `cargo xtask ci passkeys` compares these verdicts with those of another implementation. Most
//! registrations and assertions are those of Chromium in `auth-core/tests/data/passkeys.json`.
//! Others are signed with a key of this program, so that their signatures are valid after the
//! alteration. Each line of the output is a JSON object.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "this program is a test and prints its result"
)]

mod alterations;
mod encoding;
mod service;
mod signer;

use auth_core::PasskeyPublicKey;
use serde_json::Value;

use crate::alterations::{HEADER_BYTES, alter_assertion, alter_registration};
use crate::encoding::decode_member;
use crate::service::Service;
use crate::signer::Signer;

const RECORDS: &str = include_str!("../../../auth-core/tests/data/passkeys.json");

fn main() {
    let records: Vec<Value> = serde_json::from_str(RECORDS).unwrap();
    for record in &records {
        let origin = record["origin"].as_str().unwrap();
        let service = Service::new(origin, record["name"].as_str().unwrap());
        let registration = &record["registration"];
        let challenge = challenge(registration);
        for (change, json) in alter_registration(registration) {
            service.register(&change, &challenge, &json);
        }
        let cose = key(registration);
        for (index, assertion) in record["assertions"].as_array().unwrap().iter().enumerate() {
            let challenge = self::challenge(assertion);
            // The second assertion is also altered, but only as a whole.
            let altered = if index == 0 { alter_assertion(assertion) } else { Vec::new() };
            for (change, json) in
                [("none".to_owned(), assertion.clone())].into_iter().chain(altered)
            {
                service.assert(&change, &challenge, &json, &cose, 1);
            }
            for stored in [0, 2, 3, 4, u32::MAX] {
                service.assert("none", &challenge, assertion, &cose, stored);
            }
        }
    }
    Signer::new().print();
}

/// Returns the challenge in a credential.
fn challenge(credential: &Value) -> String {
    let client_data = decode_member(credential, "clientDataJSON");
    let client_data: Value = serde_json::from_slice(&client_data).unwrap();
    client_data["challenge"].as_str().unwrap().to_owned()
}

/// Returns the COSE key of a registration. Extension data may follow it.
fn key(registration: &Value) -> Vec<u8> {
    let data = decode_member(registration, "authenticatorData");
    let length = usize::from(u16::from_be_bytes([data[53], data[54]]));
    let rest = &data[HEADER_BYTES + length..];
    let lengths = 1..=rest.len();
    let length = lengths.rev().find(|length| PasskeyPublicKey::from_cose(&rest[..*length]).is_ok());
    rest[..length.unwrap()].to_vec()
}
