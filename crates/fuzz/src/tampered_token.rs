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
    // The lowest bit of `operation` is the ninth bit of the index; the other bits choose the edit.
    let index = usize::from(*position) | usize::from(operation & 1) << 8;
    if index >= token.len() {
        return;
    }
    match operation >> 1 {
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
            token.swap(index, usize::from(*byte) % length);
        }
        _ => {}
    }
}

fn assert_only_the_issued_token_is_valid(token: &[u8]) {
    let Ok(token) = std::str::from_utf8(token) else { return };
    let is_valid = SERVICE.tokens.verify(token, SERVICE.now).is_ok();
    assert_eq!(is_valid, token == SERVICE.issued, "{token}");
}
