use crate::service::SERVICE;

/// Tokens of this length, in bytes, are not doubled. It exceeds the maximum of the verifier (4
/// KiB).
const MAX_LENGTH: usize = 16 * 1024;

/// Checks that a changed token is rejected, and that the input itself is not accepted as a token.
/// The input is a list of edits, each encoded in three bytes, which are applied to a valid token.
pub(crate) fn check(input: &[u8]) {
    let mut token = SERVICE.issued.clone().into_bytes();
    for edit in input.chunks_exact(3) {
        apply(edit, &mut token);
    }
    assert_only_the_issued_token_is_valid(&token);
    assert_only_the_issued_token_is_valid(input);
}

fn apply(edit: &[u8], token: &mut Vec<u8>) {
    let [operation, position, byte] = edit else { return };
    // The two lowest bits of `operation` are the highest of the index; the others choose the edit.
    let index = usize::from(*position) | usize::from(operation & 3) << 8;
    if index >= token.len() {
        return;
    }
    match operation >> 2 {
        0 => token[index] = *byte,
        1 => token[index] ^= byte,
        2 => token[index] = token[index].wrapping_add(*byte),
        3 => token.insert(index, *byte),
        4 => drop(token.remove(index)),
        5 => token.truncate(index),
        6 => token.rotate_left(index),
        // Without a limit, a few edits would fill the memory.
        7 if token.len() < MAX_LENGTH => token.extend_from_within(index..),
        8 => token[index].make_ascii_uppercase(),
        9 => token[index].make_ascii_lowercase(),
        10 => token.push(*byte),
        11 => {
            let length = token.len();
            token.swap(index, usize::from(*byte) * length / 256);
        }
        _ => {}
    }
}

fn assert_only_the_issued_token_is_valid(token: &[u8]) {
    let Ok(token) = std::str::from_utf8(token) else { return };
    let is_valid = SERVICE.tokens.verify(token, SERVICE.now).is_ok();
    assert_eq!(is_valid, token == SERVICE.issued, "{token}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_reach_the_end_of_the_signature() {
        let mut token = SERVICE.issued.clone().into_bytes();
        for edit in include_bytes!("../corpus/tampered_token/last-bits").chunks_exact(3) {
            apply(edit, &mut token);
        }
        let changed: Vec<_> =
            (0..token.len()).filter(|i| token[*i] != SERVICE.issued.as_bytes()[*i]).collect();
        assert_eq!(changed, [token.len() - 1]);
    }
}
