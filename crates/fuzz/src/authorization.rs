use warp::http::HeaderMap;
use warp::http::header::{AUTHORIZATION, HeaderValue};

/// Checks that a token is read if and only if there is exactly one `Authorization` header and its
/// scheme is `Bearer`. The token follows the scheme and any number of spaces. Each line of the
/// input is the value of a header.
pub(crate) fn check(input: &[u8]) {
    let values = input.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    let headers: HeaderMap = values.flatten().map(|value| (AUTHORIZATION, value)).collect();
    let token = api::testing::bearer_token(&headers);
    let all: Vec<_> = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let expected = match &all[..] {
        [only] if is_bearer(only) => {
            let spaces = only[6..].iter().take_while(|byte| **byte == b' ').count();
            std::str::from_utf8(&only[6 + spaces..]).ok()
        }
        _ => None,
    };
    assert_eq!(token, expected);
}

fn is_bearer(value: &[u8]) -> bool {
    value.len() >= 6
        && value[..6].eq_ignore_ascii_case(b"bearer")
        && value.get(6).is_none_or(|byte| *byte == b' ')
        && value.iter().all(|byte| (b' '..=b'~').contains(byte) || *byte == b'\t')
}
