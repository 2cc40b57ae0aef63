use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::service::{Service, remove, signed};

/// The DER bytes before the 32 bytes of an Ed25519 public key (RFC 8410, 4).
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0];

#[test]
fn any_other_alg_is_rejected_even_with_a_valid_signature() {
    let service = Service::new();
    let names = [
        "none", "None", "NONE", "nOnE", "", " ", "eddsa", "EDDSA", "EdDSA ", "Ed25519", "ED25519",
        "Ed448", "HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "ES256K", "EdDSA\0",
    ];
    let values = names.iter().map(|name| json!(name)).chain([
        json!(null),
        json!(["EdDSA"]),
        json!({"EdDSA": null}),
        json!(0),
        json!(true),
    ]);
    service.assert_rejects(values.map(|alg| (alg.to_string(), service.with_header("alg", alg))));
    service.assert_rejects([("missing", service.forge(|header, _| remove(header, "alg")))]);
}

#[test]
fn a_token_without_a_signature_is_rejected_whatever_its_alg() {
    let service = Service::new();
    let names = ["none", "None", "NONE", "nOnE", "", "EdDSA"];
    let unsigned = |alg: Option<Value>| {
        let (mut header, claims) = service.parts();
        match alg {
            Some(alg) => header["alg"] = alg,
            None => remove(&mut header, "alg"),
        }
        signed(&header.to_string(), &claims.to_string(), |_| Vec::new())
    };
    let values = names.iter().map(|name| json!(name)).chain([json!(null), json!(["none"])]);
    service.assert_rejects(values.map(|alg| (alg.to_string(), unsigned(Some(alg)))));
    service.assert_rejects([("missing", unsigned(None))]);
}

#[test]
fn the_public_key_is_rejected_as_an_hmac_secret_in_every_encoding() {
    let service = Service::new();
    let raw = service.public_key();
    let der = [&SPKI_PREFIX[..], &raw].concat();
    let base64 = STANDARD.encode(&der);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{base64}\n-----END PUBLIC KEY-----");
    let x = service.tokens.jwks().keys[0].x.clone();
    let secrets = [
        ("raw", raw.clone()),
        ("base64url", x.into_bytes()),
        ("base64", STANDARD.encode(&raw).into_bytes()),
        ("JWK", service.jwk().to_string().into_bytes()),
        ("JWK set", serde_json::to_vec(service.tokens.jwks()).unwrap()),
        ("DER", der),
        ("DER as base64", base64.into_bytes()),
        ("PEM", pem.clone().into_bytes()),
        ("PEM and a new line", format!("{pem}\n").into_bytes()),
        ("nothing", Vec::new()),
    ];
    for (alg, algorithm) in
        [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)]
    {
        let attack = |(form, secret): &(&str, Vec<u8>)| {
            let key = hmac::Key::new(algorithm, secret);
            let sign = |message: &[u8]| hmac::sign(&key, message).as_ref().to_vec();
            let (mut header, claims) = service.parts();
            header["alg"] = json!(alg);
            (format!("{alg} with {form}"), signed(&header.to_string(), &claims.to_string(), sign))
        };
        service.assert_rejects(secrets.iter().map(attack));
    }
}

#[test]
fn a_signature_of_another_algorithm_is_rejected() {
    let service = Service::new();
    let random = SystemRandom::new();
    let rsa = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let by_rsa = |padding: &'static dyn RsaEncoding, message: &[u8]| {
        let mut signature = vec![0; rsa.public_modulus_len()];
        rsa.sign(padding, &random, message, &mut signature).unwrap();
        signature
    };
    let attack = |alg: &str, sign: &dyn Fn(&[u8]) -> Vec<u8>| {
        let (mut header, claims) = service.parts();
        header["alg"] = json!(alg);
        signed(&header.to_string(), &claims.to_string(), sign)
    };
    let rs256 = |message: &[u8]| by_rsa(&RSA_PKCS1_SHA256, message);
    let ps256 = |message: &[u8]| by_rsa(&RSA_PSS_SHA256, message);
    let es256 = |message: &[u8]| ec.sign(&random, message).unwrap().as_ref().to_vec();
    service.assert_rejects([
        ("RS256", attack("RS256", &rs256)),
        ("PS256", attack("PS256", &ps256)),
        ("ES256", attack("ES256", &es256)),
        ("RS256 as EdDSA", attack("EdDSA", &rs256)),
        ("ES256 as EdDSA", attack("EdDSA", &es256)),
    ]);
}
