//! Tests of the claim `roles` and of custom claims.

use auth_core::{
    AccessTokenVerifier, AccessTokens, Amr, CustomClaims, NewAccessToken, Role, Roles, SigningKey,
    SystemRandom,
};
use serde_json::{Value, json};

use super::service::{LIFETIME, Service};

#[test]
fn a_token_contains_the_roles_and_the_custom_claims() {
    let service = Service::new();
    let session = service.session_until(service.now + LIFETIME);
    let new = NewAccessToken {
        roles: roles(["editor", "admin"]),
        custom: CustomClaims::new(&json!({ "tenant": 7 })).unwrap(),
        ..NewAccessToken::new(&session)
    };
    let issued = service.tokens.issue(&new, service.now, &SystemRandom).unwrap();
    // The second time, the claims are read from the cache.
    for _ in 0..2 {
        let claims = service.tokens.verify(issued.token.as_str(), service.now).unwrap();
        assert!(claims.has_role("admin") && claims.has_role("editor"));
        assert!(!claims.has_role("adm") && !claims.has_role("admin editor"));
        assert_eq!(claims.custom.get::<Value>().unwrap(), json!({ "tenant": 7 }));
    }
}

#[test]
fn a_token_of_a_user_without_roles_has_no_claim_roles() {
    let service = Service::new();
    let (_, claims) = service.parts();
    assert_eq!(claims.get("roles"), None);
    let claims = service.tokens.verify(&service.issue(), service.now).unwrap();
    assert_eq!((claims.roles, claims.custom), (Roles::NONE, CustomClaims::default()));
}

#[test]
fn a_claim_roles_that_is_no_list_of_strings_is_rejected() {
    let service = Service::new();
    let wrong =
        [json!(null), json!("admin"), json!({}), json!({ "admin": true }), json!([1]), json!([[]])];
    let attack = |wrong: Value| (format!("roles: {wrong}"), service.with_claim("roles", wrong));
    service.assert_rejects(wrong.map(attack));
}

#[test]
fn a_value_that_is_no_name_of_a_role_is_ignored() {
    let service = Service::new();
    let token = service.with_claim("roles", json!(["editor admin", "Admin", "", "reader"]));
    let claims = service.tokens.verify(&token, service.now).unwrap();
    assert_eq!(claims.roles, roles(["reader"]));
}

#[test]
fn the_longest_token_is_accepted() {
    let host = format!("{}.example", ["a"; 4].map(|label| label.repeat(60)).join("."));
    let service_url = format!("https://{host}:65535");
    assert!(host.len() > 250, "{}", host.len());
    let key = SigningKey::generate(&SystemRandom);
    let tokens = AccessTokens::new(&service_url, LIFETIME, vec![key]).unwrap();
    let longest = "x".repeat(CustomClaims::MAX_BYTES - r#"{"a":""}"#.len());
    let names = (0..Roles::MAX_COUNT).map(|n| Role::parse(&format!("{n:0>32}")).unwrap());
    let service = Service::new();
    let mut session = service.session_until(service.now + LIFETIME);
    session.amr = Amr::from_text("pwd otp pop user mfa");
    let new = NewAccessToken {
        session: &session,
        roles: Roles::new(names).unwrap(),
        custom: CustomClaims::new(&json!({ "a": longest })).unwrap(),
    };
    let token = tokens.issue(&new, service.now, &SystemRandom).unwrap().token;
    let length = token.as_str().len();
    assert!(length <= AccessTokenVerifier::MAX_BYTES, "{length}");
    let claims = tokens.verify(token.as_str(), service.now).unwrap();
    assert_eq!((claims.roles, claims.custom), (new.roles, new.custom));
}

fn roles<const N: usize>(names: [&str; N]) -> Roles {
    Roles::new(names.map(|name| Role::parse(name).unwrap())).unwrap()
}

#[test]
fn the_user_and_the_roles_of_a_token_can_be_serialised() {
    let service = Service::new();
    let claims = service.tokens.verify(&service.issue(), service.now).unwrap();
    let roles = roles(["editor", "admin"]);
    let json = json!({ "user": claims.user, "none": claims.roles, "roles": roles });
    let user = service.user.to_string();
    assert_eq!(json, json!({ "user": user, "none": [], "roles": ["admin", "editor"] }));
}
