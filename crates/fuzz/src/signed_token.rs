use std::collections::{BTreeMap, BTreeSet};

use auth_core::{AccessTokenVerifier, Amr, Role, SessionId, Timestamp, UserId};
use serde_json::Value;

use crate::members::Members;
use crate::service::{NAME, NOW, SERVICE};

/// Checks that a token with a valid signature is accepted if and only if its header and its claims
/// are valid. The first line of the input is the header, and the rest is the claims.
pub(crate) fn check(input: &[u8]) {
    let Some(newline) = input.iter().position(|byte| *byte == b'\n') else { return };
    let (header, claims) = (&input[..newline], &input[newline + 1..]);
    let token = SERVICE.sign(header, claims);
    let accepted = SERVICE.tokens.verify(&token, SERVICE.now).ok();
    let expected =
        expected(header, claims).filter(|_| token.len() <= AccessTokenVerifier::MAX_BYTES);
    let accepted = accepted.map(|claims| Expected {
        user: claims.user,
        session: claims.session,
        authenticated_at: claims.authenticated_at,
        amr: claims.amr,
        roles: claims.roles.iter().map(str::to_owned).collect(),
        issued_at: claims.issued_at,
        expires_at: claims.expires_at,
        custom: claims.custom.as_json().to_owned(),
    });
    assert_eq!(accepted, expected, "{token}");
}

#[derive(Debug, PartialEq, Eq)]
struct Expected {
    user: UserId,
    session: SessionId,
    authenticated_at: Timestamp,
    amr: Amr,
    roles: BTreeSet<String>,
    issued_at: Timestamp,
    expires_at: Timestamp,
    /// The claims of the app, as JSON.
    custom: String,
}

/// The claims that Latchkey reads. All others are the app's.
const CLAIMS: [&str; 12] = [
    "iss",
    "aud",
    "sub",
    "client_id",
    "sid",
    "jti",
    "iat",
    "nbf",
    "exp",
    "auth_time",
    "amr",
    "roles",
];

fn expected(header: &[u8], claims: &[u8]) -> Option<Expected> {
    if !header.starts_with(b"{") || !claims.starts_with(b"{") {
        return None;
    }
    if !is_valid_header(&Members::parse(header, &["alg", "typ", "kid"])?) {
        return None;
    }
    // The verifier also parses the claims of the app. `Members` skips them, and would accept
    // invalid UTF-8, lone surrogates, deep nesting and numbers out of range in them.
    let mut custom: BTreeMap<String, Value> = serde_json::from_slice(claims).ok()?;
    custom.retain(|name, _| !CLAIMS.contains(&name.as_str()));
    let claims = Members::parse(claims, &CLAIMS)?;
    let (iat, nbf, exp) = (claims.number("iat")?, claims.number("nbf")?, claims.number("exp")?);
    let is_valid = claims.text("iss")? == NAME
        && claims.text("aud")? == NAME
        && claims.text("client_id")? == "latchkey"
        && !claims.text("jti")?.is_empty()
        && (0..=NOW).contains(&nbf)
        && (0..=nbf + 30).contains(&iat)
        && exp > NOW;
    let roles = match claims.known.contains_key("roles") {
        true => claims.texts("roles")?,
        false => Vec::new(),
    };
    let expected = Expected {
        user: claims.text("sub")?.parse().ok()?,
        session: claims.text("sid")?.parse().ok()?,
        authenticated_at: Timestamp::from_second(claims.number("auth_time")?).ok()?,
        amr: Amr::from_values(claims.texts("amr")?),
        roles: roles
            .into_iter()
            .filter(|role| Role::parse(role).is_ok())
            .map(str::to_owned)
            .collect(),
        issued_at: Timestamp::from_second(iat).ok()?,
        expires_at: Timestamp::from_second(exp).ok()?,
        custom: serde_json::to_string(&custom).ok()?,
    };
    if is_valid { Some(expected) } else { None }
}

fn is_valid_header(header: &Members) -> bool {
    header.others == 0
        && header.text("alg") == Some("EdDSA")
        && header.text("typ") == Some("at+jwt")
        && header.text("kid") == Some(&SERVICE.kid)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that the corpus contains accepted inputs, not only rejected ones.
    #[test]
    fn valid_tokens_with_additional_claims_are_accepted() {
        for input in [
            &include_bytes!("../corpus/signed_token/valid")[..],
            include_bytes!("../corpus/signed_token/additional-claims"),
            include_bytes!("../corpus/signed_token/escaped"),
            include_bytes!("../corpus/signed_token/roles"),
            include_bytes!("../corpus/signed_token/custom-depth-127"),
        ] {
            let (header, claims) = input.split_at(input.iter().position(|b| *b == b'\n').unwrap());
            let token = SERVICE.sign(header, &claims[1..]);
            assert!(SERVICE.tokens.verify(&token, SERVICE.now).is_ok(), "{token}");
        }
    }
}
