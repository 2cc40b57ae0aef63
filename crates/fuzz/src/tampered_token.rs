use crate::service::SERVICE;

/// The input is a list of edits of three bytes each: whatever they make of a good token,
/// it is good no more, unless they leave it as it was. Nor is the input by itself a token.
pub(crate) fn check(input: &[u8]) {
    let mut token = SERVICE.issued.clone().into_bytes();
    for edit in input.chunks_exact(3) {
        apply(edit, &mut token);
    }
    assert_is_no_other(&token);
    assert_is_no_other(input);
}

fn apply(edit: &[u8], token: &mut Vec<u8>) {
    let [what, at, byte] = edit else { return };
    // 128 ways to edit, so that the position can have the ninth bit that it needs.
    let at = usize::from(*at) | usize::from(what & 1) << 8;
    if at >= token.len() {
        return;
    }
    match what >> 1 {
        0 => token[at] = *byte,
        1 => token[at] ^= byte,
        2 => token[at] = token[at].wrapping_add(*byte),
        3 => token.insert(at, *byte),
        4 => drop(token.remove(at)),
        5 => token.truncate(at),
        6 => token.rotate_left(at),
        7 => token.extend_from_within(at..),
        8 => token[at].make_ascii_uppercase(),
        9 => token[at].make_ascii_lowercase(),
        10 => token.push(*byte),
        11 => {
            let length = token.len();
            token.swap(at, usize::from(*byte) % length);
        }
        _ => {}
    }
}

fn assert_is_no_other(token: &[u8]) {
    let Ok(token) = std::str::from_utf8(token) else { return };
    let is_good = SERVICE.tokens.verify(token, SERVICE.now).is_ok();
    assert_eq!(is_good, token == SERVICE.issued, "{token}");
}
