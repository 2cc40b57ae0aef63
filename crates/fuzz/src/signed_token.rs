use auth_core::{AccessTokenVerifier, SessionId, Timestamp, UserId};

use crate::members::Members;
use crate::service::{NAME, NOW, SERVICE};

/// A line for the header and the rest for the claims, under a good signature: the token is
/// accepted if and only if both say what they must.
pub(crate) fn check(input: &[u8]) {
    let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (header, claims) = (&input[..at], &input[at + 1..]);
    let token = SERVICE.sign(header, claims);
    let accepted = SERVICE.tokens.verify(&token, SERVICE.now).ok();
    let expected = expected(header, claims)
        .filter(|_| token.len() <= AccessTokenVerifier::MAX_BYTES)
        .map(|expected| (expected.user, expected.session, expected.issued_at, expected.expires_at));
    let accepted =
        accepted.map(|claims| (claims.user, claims.session, claims.issued_at, claims.expires_at));
    assert_eq!(accepted, expected, "{token}");
}

struct Expected {
    user: UserId,
    session: SessionId,
    issued_at: Timestamp,
    expires_at: Timestamp,
}

fn expected(header: &[u8], claims: &[u8]) -> Option<Expected> {
    let is_good = header.starts_with(b"{")
        && claims.starts_with(b"{")
        && is_ours(&Members::read(header, &["alg", "typ", "kid"])?);
    let names = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"];
    let claims = Members::read(claims, &names).filter(|_| is_good)?;
    let (iat, nbf, exp) = (claims.number("iat")?, claims.number("nbf")?, claims.number("exp")?);
    let is_valid = claims.text("iss")? == NAME
        && claims.text("aud")? == NAME
        && !claims.text("jti")?.is_empty()
        && (0..=NOW).contains(&iat)
        && (0..=NOW).contains(&nbf)
        && exp > NOW;
    let expected = Expected {
        user: claims.text("sub")?.parse().ok()?,
        session: claims.text("sid")?.parse().ok()?,
        issued_at: Timestamp::from_second(iat).ok()?,
        expires_at: Timestamp::from_second(exp).ok()?,
    };
    is_valid.then_some(expected)
}

fn is_ours(header: &Members) -> bool {
    header.others == 0
        && header.text("alg") == Some("EdDSA")
        && header.text("typ") == Some("at+jwt")
        && header.text("kid") == Some(&SERVICE.kid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the fuzzer would learn from refusals alone.
    #[test]
    fn the_good_one_is_accepted_and_another_claim_does_no_harm() {
        for input in [
            &include_bytes!("../corpus/signed_token/good")[..],
            include_bytes!("../corpus/signed_token/more-claims"),
            include_bytes!("../corpus/signed_token/escaped"),
        ] {
            let (header, claims) = input.split_at(input.iter().position(|b| *b == b'\n').unwrap());
            let token = SERVICE.sign(header, &claims[1..]);
            assert!(SERVICE.tokens.verify(&token, SERVICE.now).is_ok(), "{token}");
        }
    }
}
