use auth_core::{InvalidPublicKey, PasskeyPublicKey};

use crate::cbor::{self, Item};

/// Checks that a COSE key is accepted if and only if an independent parser accepts it, and that it
/// is stored in the canonical form. The independent parser does not check whether a point is on the
/// curve P-256.
pub(crate) fn check(input: &[u8]) {
    if cbor::may_be_deep(input) {
        return;
    }
    assert_matches(input, &PasskeyPublicKey::from_cose(input));
}

/// Checks the result of parsing a COSE key.
pub(crate) fn assert_matches(cose: &[u8], result: &Result<PasskeyPublicKey, InvalidPublicKey>) {
    match (result, canonical(cose)) {
        (Ok(key), canonical) => {
            assert_eq!(Some(key.to_cose()), canonical);
            let again = PasskeyPublicKey::from_cose(&key.to_cose());
            assert_eq!(again.as_ref(), Ok(key), "a stored key can be read");
        }
        // The point is not on the curve.
        (Err(InvalidPublicKey::Invalid), Some(cose)) => assert_eq!(cose[1..5], [1, 2, 3, 0x26]),
        (Err(error), canonical) => assert_eq!(canonical, None, "{error}"),
    }
}

/// Returns the canonical form of a valid COSE key.
fn canonical(mut cose: &[u8]) -> Option<Vec<u8>> {
    let map = Item::take(&mut cose)?;
    let Item::Map(entries) = &map else { return None };
    let is_label = |key: &Item| match key {
        Item::Int(label) => i64::try_from(*label).is_ok(),
        Item::Text(_) => true,
        _ => false,
    };
    if !cose.is_empty() || !entries.iter().all(|(key, _)| is_label(key)) {
        return None;
    }
    // In every supported key, the values of these labels are integers or bytes, and each label
    // occurs once.
    for label in [1, 3, -1, -2, -3] {
        let label = Item::Int(label);
        let is_known = match map.get(&label) {
            Some(Item::Int(value)) => i64::try_from(*value).is_ok(),
            Some(Item::Bytes(_)) => label != Item::Int(1) && label != Item::Int(3),
            Some(_) => false,
            None => map.count(&label) == 0,
        };
        if !is_known {
            return None;
        }
    }
    let get = |label| map.get(&Item::Int(label)).cloned();
    let bytes = |label| match get(label) {
        Some(Item::Bytes(bytes)) => Some(bytes),
        _ => None,
    };
    let point = |label| bytes(label).filter(|bytes| bytes.len() == 32).map(Item::Bytes);
    let head = [(1, get(1)?), (3, get(3)?)];
    let parameters = match (&head[0].1, &head[1].1, get(-1)?) {
        (Item::Int(2), Item::Int(-7), curve @ Item::Int(1)) => {
            vec![(-1, curve), (-2, point(-2)?), (-3, point(-3)?)]
        }
        (Item::Int(1), Item::Int(-8), curve @ Item::Int(6)) => vec![(-1, curve), (-2, point(-2)?)],
        (Item::Int(3), Item::Int(-257), Item::Bytes(n)) => {
            let e = bytes(-2)?;
            if !is_modulus(&n) || !is_exponent(&e) {
                return None;
            }
            vec![(-1, Item::Bytes(n)), (-2, Item::Bytes(e))]
        }
        _ => return None,
    };
    Some(cbor::encode_map(&[&head[..], &parameters].concat()))
}

fn is_modulus(n: &[u8]) -> bool {
    let has_length = (256..=1024).contains(&n.len()) && (n[0] >= 0x80 || n.len() > 256 && n[0] > 0);
    has_length && n[n.len() - 1] & 1 == 1
}

fn is_exponent(e: &[u8]) -> bool {
    let value = e.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    (3..=4).contains(&e.len()) && e[0] > 0 && value > 0xffff && value & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the corpus contains accepted inputs, not only rejected ones.
    #[test]
    fn keys_of_each_algorithm_are_accepted() {
        for input in [
            &include_bytes!("../corpus/cose_key/es256")[..],
            include_bytes!("../corpus/cose_key/ed25519"),
            include_bytes!("../corpus/cose_key/rs256"),
            include_bytes!("../corpus/cose_key/additional"),
        ] {
            assert!(PasskeyPublicKey::from_cose(input).is_ok());
        }
    }
}
