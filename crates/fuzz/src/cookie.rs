use api::Origin;
use auth_core::RefreshToken;
use warp::http::HeaderMap;
use warp::http::header::{COOKIE, HeaderValue};

/// Checks that a refresh token is read if and only if the `Cookie` headers together contain exactly
/// one refresh cookie, and the value of that cookie is a token. Each line of the input is the value
/// of a header.
#[expect(clippy::unwrap_used, reason = "the origin is a constant")]
pub(crate) fn check(input: &[u8]) {
    let values = input.split(|byte| *byte == b'\n').map(HeaderValue::from_bytes);
    let headers: HeaderMap = values.flatten().map(|value| (COOKIE, value)).collect();
    for (origin, name) in [
        (Origin::parse("https://auth.example.com").unwrap(), "__Host-latchkey_refresh"),
        (Origin::localhost(8080), "latchkey_refresh"),
    ] {
        let token = api::testing::refresh_cookie(&origin, &headers);
        let token = token.map(|token| token.to_text().as_str().to_owned());
        assert_eq!(token, expected(name, &headers));
    }
}

fn expected(name: &str, headers: &HeaderMap) -> Option<String> {
    let mut values = Vec::new();
    for value in headers.get_all(COOKIE) {
        // Names and tokens are ASCII, so it does not matter how other bytes are decoded.
        let text: String = value.as_bytes().iter().map(|byte| char::from(*byte)).collect();
        for cookie in text.split(';') {
            let cookie = cookie.trim_matches(|c: char| c.is_ascii_whitespace());
            match cookie.split_once('=') {
                Some((found, value)) if found == name => values.push(value.to_owned()),
                _ => {}
            }
        }
    }
    let [value] = &values[..] else { return None };
    RefreshToken::parse(value).is_ok().then(|| value.clone())
}
