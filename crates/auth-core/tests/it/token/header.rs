use serde_json::{Value, json};

use super::service::{Service, remove, with_member};

#[test]
fn a_kid_that_names_no_key_of_ours_leads_to_none() {
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
    service.refuses(values.map(|value| (value.to_string(), service.with_header("kid", value))));
    service.refuses([("missing", service.forge(|header, _| remove(header, "kid")))]);
}

#[test]
fn no_key_is_taken_from_the_token_or_from_where_it_points_to() {
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
        service.refuses(members.iter().map(attack));
    }
    // Not even where the signature is our own, nor where it is our own key that comes along.
    let own = members.iter().cloned().chain([("jwk", service.jwk()), ("jwk", json!({}))]);
    service.refuses(own.map(|(name, value)| (name, service.with_header(name, value))));
}

#[test]
fn the_header_has_nothing_but_what_is_issued() {
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
    service.refuses(
        members
            .into_iter()
            .map(|(name, value)| (format!("{name}: {value}"), service.with_header(name, value))),
    );
}

#[test]
fn a_member_that_is_null_is_there_all_the_same() {
    let service = Service::new();
    let names = [
        "alg", "typ", "kid", "jwk", "jku", "x5u", "x5c", "x5t", "x5t#S256", "crit", "cty", "enc",
        "zip", "url", "nonce", "b64", "unknown",
    ];
    service.refuses(names.map(|name| (name, service.with_header(name, json!(null)))));
}

#[test]
fn a_token_of_another_type_is_no_access_token() {
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
    service.refuses(values.map(|typ| (typ.to_string(), service.with_header("typ", typ))));
    service.refuses([("missing", service.forge(|header, _| remove(header, "typ")))]);
}

#[test]
fn a_member_said_twice_is_refused_even_if_both_say_the_same() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let attack = |name: &str, value: Value| {
        let twice = with_member(&header, name, &value);
        (format!("{name}: {value}"), service.sign(&twice, &claims.to_string()))
    };
    let same = header.as_object().unwrap().iter();
    service.refuses(same.map(|(name, value)| attack(name, value.clone())));
    let other = [("alg", "none"), ("typ", "JWT"), ("kid", "other"), ("\\u0061lg", "EdDSA")];
    service.refuses(other.map(|(name, value)| attack(name, json!(value))));
}

#[test]
fn a_header_that_is_no_object_is_refused() {
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
    service.refuses(headers.map(|header| (header.clone(), service.sign(&header, &claims))));
}
