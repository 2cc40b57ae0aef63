use auth_core::{InvalidPublicKey as Error, PasskeyAlgorithm, PasskeyPublicKey};
use minicbor::Encoder;

use super::authenticator::{Authenticator, EncodeResult, cbor, ed25519, es256, rs256};

fn parse(cose: &[u8]) -> Result<PasskeyAlgorithm, Error> {
    PasskeyPublicKey::from_cose(cose).map(|key| key.algorithm())
}

#[test]
fn a_key_is_stored_in_canonical_form() {
    for algorithm in PasskeyAlgorithm::ALL {
        let authenticator = Authenticator::new(algorithm);
        let key = authenticator.public_key();
        assert_eq!(key.to_cose(), authenticator.cose());
        assert_eq!(PasskeyPublicKey::from_cose(&key.to_cose()), Ok(key));
    }
}

#[test]
fn unknown_members_in_any_order_are_ignored_and_not_stored() {
    let cose = cbor(|e| {
        e.map(7)?.i8(-2)?.bytes(&[9; 32])?.str("alg")?.i8(-7)?.i8(4)?.array(1)?.i8(2)?;
        e.i8(-1)?.i8(6)?.i64(i64::MIN)?.map(0)?.i8(3)?.i8(-8)?.i8(1)?.i8(1)?.ok()
    });
    let key = PasskeyPublicKey::from_cose(&cose).unwrap();
    assert_eq!(key.to_cose(), ed25519(&[9; 32]));
}

#[test]
fn a_malformed_key_is_rejected() {
    let valid = ed25519(&[9; 32]);
    assert!(parse(&valid).is_ok());
    for length in 0..valid.len() {
        assert_eq!(parse(&valid[..length]), Err(Error::Malformed), "{length}");
    }
    assert_eq!(parse(&[&valid[..], &[0]].concat()), Err(Error::Malformed));
    let malformed: [(&str, Write); 9] = [
        ("no algorithm", |e| e.map(3)?.i8(1)?.i8(1)?.i8(-1)?.i8(6)?.i8(-2)?.bytes(&[9; 32])?.ok()),
        ("no key type", |e| e.map(3)?.i8(3)?.i8(-8)?.i8(-1)?.i8(6)?.i8(-2)?.bytes(&[9; 32])?.ok()),
        ("no point", |e| e.map(3)?.i8(1)?.i8(1)?.i8(3)?.i8(-8)?.i8(-1)?.i8(6)?.ok()),
        ("two algorithms", |e| {
            e.map(5)?.i8(3)?.i8(-8)?.i8(3)?.i8(-8)?.i8(1)?.i8(1)?;
            e.i8(-1)?.i8(6)?.i8(-2)?.bytes(&[9; 32])?.ok()
        }),
        ("two points", |e| {
            e.map(5)?.i8(1)?.i8(1)?.i8(3)?.i8(-8)?.i8(-1)?.i8(6)?;
            e.i8(-2)?.bytes(&[9; 32])?.i8(-2)?.bytes(&[9; 32])?.ok()
        }),
        ("algorithm is a text", |e| e.map(2)?.i8(1)?.i8(1)?.i8(3)?.str("EdDSA")?.ok()),
        ("point is a text", |e| {
            e.map(4)?.i8(1)?.i8(1)?.i8(3)?.i8(-8)?.i8(-1)?.i8(6)?.i8(-2)?.str("x")?.ok()
        }),
        // A compressed point (RFC 9053, 7.1.1), which Web Authentication forbids.
        ("y is a sign", |e| {
            e.map(5)?.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.i8(1)?;
            e.i8(-2)?.bytes(&[9; 32])?.i8(-3)?.bool(true)?.ok()
        }),
        ("label is an array", |e| e.map(1)?.array(0)?.i8(1)?.ok()),
    ];
    for (name, write) in malformed {
        assert_eq!(parse(&cbor(write)), Err(Error::Malformed), "{name}");
    }
}

type Write = fn(&mut Encoder<Vec<u8>>) -> EncodeResult;

#[test]
fn other_algorithms_are_rejected() {
    // ES384, ES512, ES256K, PS256, RS384, RS1, ESP256, Ed25519, HMAC, and none.
    for algorithm in [-35, -36, -47, -37, -258, -65535, -9, -19, 5, 0, i64::MAX] {
        let cose = cbor(|e| {
            e.map(4)?.i8(1)?.i8(1)?.i8(3)?.i64(algorithm)?;
            e.i8(-1)?.i8(6)?.i8(-2)?.bytes(&[9; 32])?.ok()
        });
        assert_eq!(parse(&cose), Err(Error::Algorithm), "{algorithm}");
    }
}

#[test]
fn key_type_and_curve_must_fit_the_algorithm() {
    for algorithm in [-7, -8, -257] {
        for key_type in 0..=4 {
            for curve in 0..=8 {
                let cose = cbor(|e| {
                    e.map(5)?.i8(1)?.i8(key_type)?.i8(3)?.i16(algorithm)?.i8(-1)?.i8(curve)?;
                    e.i8(-2)?.bytes(&[9; 32])?.i8(-3)?.bytes(&[9; 32])?.ok()
                });
                let expected = match (algorithm, key_type, curve) {
                    // The point is not on the curve.
                    (-7, 2, 1) => Err(Error::Invalid),
                    (-8, 1, 6) => Ok(PasskeyAlgorithm::EdDsa),
                    // The modulus is missing.
                    (-257, 3, _) => Err(Error::Malformed),
                    _ => Err(Error::KeyType),
                };
                assert_eq!(parse(&cose), expected, "{algorithm} {key_type} {curve}");
            }
        }
    }
    // The modulus of an RSA key has the label of a curve.
    let modulus_as_curve = cbor(|e| {
        e.map(5)?.i8(1)?.i8(2)?.i8(3)?.i8(-7)?.i8(-1)?.bytes(&[9; 32])?;
        e.i8(-2)?.bytes(&[9; 32])?.i8(-3)?.bytes(&[9; 32])?.ok()
    });
    assert_eq!(parse(&modulus_as_curve), Err(Error::KeyType));
}

#[test]
fn a_point_must_be_on_the_curve() {
    let cose = Authenticator::new(PasskeyAlgorithm::Es256).cose();
    let (x, y) = (&cose[10..42], &cose[45..]);
    assert_eq!(parse(&es256(x, y)), Ok(PasskeyAlgorithm::Es256));
    assert_eq!(parse(&es256(y, x)), Err(Error::Invalid));
    assert_eq!(parse(&es256(&[0; 32], &[0; 32])), Err(Error::Invalid));
    assert_eq!(parse(&es256(&[0xff; 32], y)), Err(Error::Invalid));
    assert_eq!(parse(&es256(&x[1..], y)), Err(Error::Invalid));
    assert_eq!(parse(&es256(x, &[&[0], y].concat())), Err(Error::Invalid));
    assert_eq!(parse(&es256(x, &[])), Err(Error::Invalid));
    assert_eq!(parse(&ed25519(&[9; 31])), Err(Error::Invalid));
    assert_eq!(parse(&ed25519(&[9; 33])), Err(Error::Invalid));
}

#[test]
fn an_rsa_key_has_a_length_and_an_exponent_that_are_allowed() {
    /// Returns an odd number with this number of bits.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= (8 - bits % 8) % 8;
        modulus
    }
    let e: &[u8] = &[1, 0, 1];
    let check = |n: &[u8], e: &[u8]| parse(&rs256(n, e));
    for bits in [2048, 2049, 2056, 3072, 4096, 8192] {
        assert_eq!(check(&modulus(bits), e), Ok(PasskeyAlgorithm::Rs256), "{bits}");
    }
    for bits in [8, 1024, 2040, 2047, 8193, 16384] {
        assert_eq!(check(&modulus(bits), e), Err(Error::Invalid), "{bits}");
    }
    let n = modulus(2048);
    assert_eq!(check(&[&[0], &n[..]].concat(), e), Err(Error::Invalid), "leading zero");
    assert_eq!(check(&[], e), Err(Error::Invalid), "no modulus");
    let mut even = n.clone();
    even[255] -= 1;
    assert_eq!(check(&even, e), Err(Error::Invalid), "even modulus");
    for e in [&[1, 0, 3][..], &[0xff, 0xff, 0xff, 0xff]] {
        assert_eq!(check(&n, e), Ok(PasskeyAlgorithm::Rs256), "{e:?}");
    }
    for e in [
        &[][..],
        &[1],
        &[3],
        &[0xff, 0xff],
        &[1, 0, 0],
        &[1, 0, 2],
        &[0, 1, 0, 1],
        &[1, 0, 0, 0, 1],
    ] {
        assert_eq!(check(&n, e), Err(Error::Invalid), "{e:?}");
    }
}

#[test]
fn debug_output_is_short() {
    let key = PasskeyPublicKey::from_cose(&ed25519(&[9; 32])).unwrap();
    assert_eq!(format!("{key:?}"), "PasskeyPublicKey(EdDsa, …)");
}
