use auth_core::AccessTokenVerifier;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::json;

use super::service::Service;

/// The order of the Ed25519 group, as little-endian bytes (RFC 8032, 5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

#[test]
fn non_canonical_base64url_is_rejected() {
    let service = Service::new();
    let token = service.issue();
    let [header, claims, signature] = parts(&token);
    service.assert_rejects([
        ("one character of padding", format!("{token}=")),
        ("padding", format!("{token}==")),
        ("padding of the header", format!("{header}=.{claims}.{signature}")),
        ("padding of the claims", format!("{header}.{claims}=.{signature}")),
        ("a trailing space", format!("{token} ")),
        ("a leading space", format!(" {token}")),
        ("a trailing newline", format!("{token}\n")),
        ("a newline inside", format!("{header}.{claims}.{}\n{}", &signature[..9], &signature[9..])),
        ("a space inside", format!("{header}. {claims}.{signature}")),
        ("U+0000", format!("{token}\0")),
        ("percent-encoding", token.replacen('.', "%2E", 1)),
    ]);
    // The last character of an encoded signature of 64 bytes has four unused bits.
    let (start, last) = token.split_at(token.len() - 1);
    let at = ALPHABET.find(last).unwrap();
    assert_eq!(at % 16, 0);
    service
        .assert_rejects((at + 1..at + 16).map(|at| (at, format!("{start}{}", &ALPHABET[at..=at]))));
}

#[test]
fn non_zero_unused_bits_are_rejected_even_with_a_valid_signature() {
    let service = Service::new();
    let (header, mut claims) = service.parts();
    let mut attacks = Vec::new();
    for padding in ["", "x", "xx"] {
        claims["pad"] = json!(padding);
        let encoded = [&header, &claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        for at in 0..2 {
            // If the length is a multiple of four, no bits are unused.
            if encoded[at].len() % 4 != 0 {
                let mut parts = encoded.clone();
                let last = ALPHABET.find(parts[at].pop().unwrap()).unwrap();
                parts[at].push_str(&ALPHABET[last + 1..last + 2]);
                attacks.push((at, service.sign_raw(&parts.join("."))));
            }
        }
    }
    for at in 0..2 {
        assert!(attacks.iter().any(|(part, _)| *part == at), "part {at}");
    }
    service.assert_rejects(attacks);
}

#[test]
fn the_standard_base64_alphabet_is_rejected_even_with_a_valid_signature() {
    let service = Service::new();
    let (header, mut claims) = service.parts();
    claims["pad"] = json!("???>>>~~~\u{ff}\u{fe}");
    let header = URL_SAFE_NO_PAD.encode(header.to_string());
    let standard = STANDARD_NO_PAD.encode(claims.to_string());
    assert!(standard.contains(['+', '/']));
    let url_safe = URL_SAFE_NO_PAD.encode(claims.to_string());
    assert!(service.accepts(&service.sign_raw(&format!("{header}.{url_safe}"))));
    service.assert_rejects([("+ and /", service.sign_raw(&format!("{header}.{standard}")))]);
}

#[test]
fn a_malformed_or_malleable_signature_is_rejected() {
    let service = Service::new();
    let token = service.issue();
    let [header, claims, signature] = parts(&token);
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let with = |bytes: &[u8]| format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(bytes));
    assert!(service.accepts(&with(&bytes)));
    service.assert_rejects([
        ("S + L", with(&[&bytes[..32], &plus_order(&bytes[32..])].concat())),
        ("a byte too short", with(&bytes[..63])),
        ("without the first byte", with(&bytes[1..])),
        ("a byte too long", with(&[&bytes[..], &[0]].concat())),
        ("twice", with(&[&bytes[..], &bytes[..]].concat())),
        ("half", with(&bytes[..32])),
        ("empty", with(&[])),
        ("zero", with(&[0; 64])),
        ("R and no S", with(&[&bytes[..32], &[0; 32]].concat())),
        ("S and no R", with(&[&[0; 32], &bytes[32..]].concat())),
        ("R and S swapped", with(&[&bytes[32..], &bytes[..32]].concat())),
        ("the neutral element and 0", with(&[&[1], &[0; 63][..]].concat())),
    ]);
}

/// Adds the order of the Ed25519 group to the `S` of a signature. A verifier that does not check
/// the range of `S` would accept both values.
fn plus_order(number: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let sum = number.iter().zip(ORDER).map(|(a, b)| {
        let sum = u16::from(*a) + u16::from(b) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    sum.collect()
}

#[test]
fn a_token_without_exactly_three_parts_is_rejected() {
    let service = Service::new();
    let token = service.issue();
    let [header, claims, signature] = parts(&token);
    let json = |members: &[(&str, &str)]| {
        let members: serde_json::Map<_, _> =
            members.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        serde_json::Value::from(members).to_string()
    };
    let general =
        json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]});
    service.assert_rejects([
        ("none", String::new()),
        ("dots", "..".to_owned()),
        ("one", header.to_owned()),
        ("two", format!("{header}.{claims}")),
        ("two and a dot", format!("{header}.{claims}.")),
        ("four", format!("{token}.{signature}")),
        ("four, the first empty", format!(".{token}")),
        ("four, the last empty", format!("{token}.")),
        ("a dot missing", token.replacen('.', "", 1)),
        ("no claims (RFC 7797)", format!("{header}..{signature}")),
        ("five, like a JWE", format!("{header}.{claims}.{signature}.{claims}.{signature}")),
        ("two tokens", format!("{token},{token}")),
        ("JSON", json(&[("payload", claims), ("protected", header), ("signature", signature)])),
        ("JSON, general", general.to_string()),
        ("in quotes", format!("\"{token}\"")),
        ("with its scheme", format!("Bearer {token}")),
    ]);
}

#[test]
fn a_token_of_more_than_4096_bytes_is_rejected() {
    let service = Service::new();
    let padded = |length: usize| service.with_claim("pad", json!("x".repeat(length)));
    let of_length = |wanted: usize| (2_000..3_000).map(padded).find(|token| token.len() == wanted);
    assert_eq!(AccessTokenVerifier::MAX_BYTES, 4_096);
    let longest = of_length(4_096).unwrap();
    assert!(service.accepts(&longest), "an additional claim is accepted");
    service.assert_rejects([("4,097 bytes", of_length(4_097).unwrap())]);
    service.assert_rejects([("a megabyte", padded(1_000_000))]);
}

proptest! {
    #[test]
    fn verifying_a_token_never_panics(text in any::<String>()) {
        let service = Service::new();
        prop_assert!(!service.accepts(&text));
    }

    #[test]
    fn a_token_with_any_byte_changed_is_rejected(at in any::<prop::sample::Index>(), with in "[ -~]") {
        let service = Service::new();
        let token = service.issue();
        let at = at.index(token.len());
        prop_assume!(token[at..=at] != with);
        let changed = format!("{}{with}{}", &token[..at], &token[at + 1..]);
        prop_assert!(!service.accepts(&changed));
    }
}
