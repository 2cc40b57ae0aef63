use serde_json::{Value, json};

use super::service::{Service, remove, with_member};

#[test]
fn a_token_with_an_unknown_kid_is_rejected() {
    let (service, other) = (Service::new(), Service::new());
    let kid = &service.kid;
    let texts = [
        String::new(),
        " ".to_owned(),
        "unknown".to_owned(),
        other.kid.clone(),
        kid.to_uppercase(),
        format!("{kid}="),
        format!(" {kid}"),
        format!("{kid}\0"),
        format!("./{kid}"),
        "../../../../../../dev/null".to_owned(),
        "/proc/sys/kernel/randomize_va_space".to_owned(),
        "' OR '1'='1".to_owned(),
        "x' UNION SELECT x'00'; --".to_owned(),
        "k".repeat(2_500),
    ];
    let values = texts.into_iter().map(Value::from);
    let values = values.chain([json!(null), json!(0), json!(1), json!([kid]), json!({"kid": kid})]);
    service
        .assert_rejects(values.map(|value| (value.to_string(), service.with_header("kid", value))));
    service.assert_rejects([("missing", service.forge(|header, _| remove(header, "kid")))]);
}

#[test]
fn keys_in_or_referenced_by_a_token_are_not_used() {
    let (service, attacker) = (Service::new(), Service::new());
    let members = [
        ("jwk", attacker.jwk()),
        ("jku", json!("https://evil.example/jwks.json")),
        ("jku", json!("https://auth.example.com/.well-known/jwks.json")),
        ("x5u", json!("https://evil.example/chain.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5c", json!([])),
        ("x5t", json!("x")),
        ("x5t#S256", json!("x")),
    ];
    for kid in [&service.kid, &attacker.kid] {
        let attack = |(name, value): &(&str, Value)| {
            let (mut header, claims) = service.parts();
            header["kid"] = json!(kid);
            header[name] = value.clone();
            (format!("{name}: {value}"), attacker.sign(&header.to_string(), &claims.to_string()))
        };
        service.assert_rejects(members.iter().map(attack));
    }
    // Such a header is rejected even if the service signed it or the embedded key is the service's.
    let signed = members.iter().cloned().chain([("jwk", service.jwk()), ("jwk", json!({}))]);
    service.assert_rejects(signed.map(|(name, value)| (name, service.with_header(name, value))));
}

#[test]
fn unknown_header_members_are_rejected() {
    let service = Service::new();
    let members = [
        ("crit", json!(["exp"])),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("zip", json!("DEF")),
        ("b64", json!(false)),
        ("b64", json!(true)),
        ("cty", json!("JWT")),
        ("enc", json!("A256GCM")),
        ("nonce", json!("x")),
        ("url", json!("https://auth.example.com")),
        ("iss", json!("https://auth.example.com")),
        ("unknown", json!("x")),
        ("", json!("")),
    ];
    service.assert_rejects(
        members
            .into_iter()
            .map(|(name, value)| (format!("{name}: {value}"), service.with_header(name, value))),
    );
}

#[test]
fn a_header_member_that_is_null_is_rejected() {
    let service = Service::new();
    let names = [
        "alg", "typ", "kid", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "cty", "enc",
        "zip", "url", "nonce", "b64", "unknown",
    ];
    service.assert_rejects(names.map(|name| (name, service.with_header(name, json!(null)))));
}

#[test]
fn a_token_of_another_type_is_rejected() {
    let service = Service::new();
    let names = [
        "",
        "JWT",
        "jwt",
        "AT+JWT",
        "At+Jwt",
        "at+jwt ",
        "at+JWT",
        "application/at+jwt",
        "JOSE",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
    ];
    let values = names.iter().map(|name| json!(name));
    let values = values.chain([json!(["at+jwt"]), json!({}), json!(1), json!(null)]);
    service.assert_rejects(values.map(|typ| (typ.to_string(), service.with_header("typ", typ))));
    service.assert_rejects([("missing", service.forge(|header, _| remove(header, "typ")))]);
}

#[test]
fn duplicate_header_members_are_rejected_even_if_they_are_equal() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let attack = |name: &str, value: Value| {
        let twice = with_member(&header, name, &value);
        (format!("{name}: {value}"), service.sign(&twice, &claims.to_string()))
    };
    let same = header.as_object().unwrap().iter();
    service.assert_rejects(same.map(|(name, value)| attack(name, value.clone())));
    let other = [("alg", "none"), ("typ", "JWT"), ("kid", "other"), ("\\u0061lg", "EdDSA")];
    service.assert_rejects(other.map(|(name, value)| attack(name, json!(value))));
}

#[test]
fn a_header_that_is_not_an_object_is_rejected() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let (text, claims) = (header.to_string(), claims.to_string());
    let headers = [
        String::new(),
        "null".to_owned(),
        "\"EdDSA\"".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        format!("[{text}]"),
        json!([header["alg"], header["typ"], header["kid"]]).to_string(),
        json!([header["typ"], header["alg"], null, null, null, header["kid"]]).to_string(),
        format!("{text}{text}"),
        format!("{text}x"),
        format!("\u{feff}{text}"),
        format!("{text}\0"),
        text[..text.len() - 1].to_owned(),
        text.replace(':', "="),
        text.replace('"', "'"),
        format!("/**/{text}"),
    ];
    service.assert_rejects(headers.map(|header| (header.clone(), service.sign(&header, &claims))));
}
