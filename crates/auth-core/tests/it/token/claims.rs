use serde_json::{Value, json};

use super::service::{SERVICE, Service, remove, with_member};

const TEXTS: [&str; 6] = ["iss", "aud", "sub", "client_id", "sid", "jti"];
const TIMES: [&str; 4] = ["iat", "nbf", "exp", "auth_time"];

#[test]
fn a_claim_that_is_missing_or_of_another_type_is_rejected() {
    let service = Service::new();
    let (_, claims) = service.parts();
    let names: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names.len(), TEXTS.len() + TIMES.len() + 1);
    for name in names.into_iter().filter(|name| *name != "amr") {
        let value = &claims[name];
        let wrong = [json!(null), json!([]), json!([value]), json!({}), json!(true), json!("")];
        let attack = |wrong: Value| (format!("{name}: {wrong}"), service.with_claim(name, wrong));
        service.assert_rejects(wrong.map(attack));
        service.assert_rejects([(name, service.forge(|_, claims| remove(claims, name)))]);
    }
    service.assert_rejects(TEXTS.map(|name| (name, service.with_claim(name, json!(1)))));
    let wrong = [json!(null), json!({}), json!(true), json!("pwd"), json!([1]), json!([["pwd"]])];
    let attack = |wrong: Value| (format!("amr: {wrong}"), service.with_claim("amr", wrong));
    service.assert_rejects(wrong.map(attack));
    service.assert_rejects([("amr", service.forge(|_, claims| remove(claims, "amr")))]);
}

#[test]
fn issuer_and_audience_must_match_exactly() {
    let service = Service::new();
    let others = [
        json!("https://auth.example.com/"),
        json!("https://auth.example.com:443"),
        json!("https://auth.example.com."),
        json!("https://auth.example.com.evil.example"),
        json!("https://AUTH.example.com"),
        json!("http://auth.example.com"),
        json!("auth.example.com"),
        json!(" https://auth.example.com"),
        json!("https://auth.example.com\0"),
        json!([SERVICE]),
        json!([SERVICE, "https://other.example.com"]),
        json!(["https://other.example.com", SERVICE]),
        json!({"0": SERVICE}),
    ];
    for name in ["iss", "aud"] {
        let attack =
            |value: &Value| (format!("{name}: {value}"), service.with_claim(name, value.clone()));
        service.assert_rejects(others.iter().map(attack));
    }
}

#[test]
fn a_token_of_another_client_is_rejected() {
    let service = Service::new();
    let others = ["Latchkey", "latchkey ", "latchkey\0", "", "web", SERVICE];
    service.assert_rejects(others.map(|id| (id, service.with_claim("client_id", json!(id)))));
}

#[test]
fn times_are_checked_without_leeway() {
    let service = Service::new();
    let now = service.now.as_second();
    service.assert_rejects([
        ("exp now", service.with_claim("exp", json!(now))),
        ("exp a second ago", service.with_claim("exp", json!(now - 1))),
        ("nbf in a second", service.with_claim("nbf", json!(now + 1))),
        ("iat 31 s after nbf", service.with_claim("iat", json!(now + 1))),
        ("iat in an hour", service.with_claim("iat", json!(now + 3_600))),
        ("nbf 31 s before iat", service.with_claim("nbf", json!(now - 31))),
    ]);
    for (name, allowed) in [("exp", now + 1), ("iat", now), ("nbf", now), ("nbf", now - 30)] {
        assert!(service.accepts(&service.with_claim(name, json!(allowed))), "{name}: {allowed}");
    }
}

#[test]
fn a_time_that_is_not_a_number_of_whole_seconds_since_1970_is_rejected() {
    let service = Service::new();
    let now = service.now.as_second();
    for (name, good) in [("iat", now), ("nbf", now), ("exp", now + 60)] {
        let wrong = [
            json!(good.to_string()),
            json!("2023-11-14T22:13:20Z"),
            json!(-1),
            json!(-good),
            json!(i64::MIN),
            json!(u64::MAX),
            json!(f64::MAX),
            json!(-0.0),
            json!(good as f64),
            json!(good as f64 + 0.5),
        ];
        let attack = |wrong: Value| (format!("{name}: {wrong}"), service.with_claim(name, wrong));
        service.assert_rejects(wrong.map(attack));
        // Numbers that are valid in JSON but not as an `i64`, and others that are not valid JSON.
        let (header, claims) = service.parts();
        let with_number = |number: &str| {
            let text = claims.to_string();
            let old = format!("\"{name}\":{}", claims[name]);
            assert!(text.contains(&old));
            let text = text.replace(&old, &format!("\"{name}\":{number}"));
            (format!("{name}: {number}"), service.sign(&header.to_string(), &text))
        };
        let huge = "9".repeat(400);
        let numbers = [
            "9223372036854775808",
            "18446744073709551616",
            "-9223372036854775809",
            "1e300",
            "1e999",
            "17e8",
            "1700000000.0",
            "+1700000000",
            "01700000000",
            "0x6553f100",
            "NaN",
            "Infinity",
            "-0",
            &huge,
        ];
        service.assert_rejects(numbers.map(with_number));
    }
    let end = service.with_claim("exp", json!(i64::MAX));
    service.assert_rejects([("a time that a `Timestamp` cannot represent", end)]);
}

#[test]
fn an_id_in_another_spelling_is_rejected() {
    let service = Service::new();
    for (name, id) in [("sub", service.user.to_string()), ("sid", service.session.to_string())] {
        let spellings = [
            format!("{{{id}}}"),
            format!("urn:uuid:{id}"),
            id.replace('-', ""),
            format!(" {id}"),
            format!("{id}\n"),
            format!("{id}\0"),
            id[1..].to_owned(),
            format!("0{id}"),
            id.replacen('-', "_", 1),
            "00000000-0000-0000-0000-000000000000".to_owned(),
            "ffffffff-ffff-ffff-ffff-ffffffffffff".to_owned(),
            "ada".to_owned(),
            "1 OR 1=1".to_owned(),
        ];
        service.assert_rejects(
            spellings.map(|id| (format!("{name}: {id}"), service.with_claim(name, json!(id)))),
        );
    }
}

/// Imported users keep ids of any version. Ids of sessions are always UUIDv7.
#[test]
fn only_the_id_of_a_user_can_be_a_uuid_of_another_version() {
    let service = Service::new();
    let id = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
    service.assert_rejects([("sid", service.with_claim("sid", json!(id)))]);
    let token = service.with_claim("sub", json!(id));
    let claims = service.tokens.verify(&token, service.now).unwrap();
    assert_eq!(claims.user.to_string(), id);
}

#[test]
fn duplicate_claims_are_rejected_even_if_they_are_equal() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let attack = |name: &str, value: &Value| {
        let twice = with_member(&claims, name, value);
        (format!("{name}: {value}"), service.sign(&header.to_string(), &twice))
    };
    let same = claims.as_object().unwrap().iter();
    service.assert_rejects(same.map(|(name, value)| attack(name, value)));
    service.assert_rejects(TEXTS.map(|name| attack(name, &json!("another"))));
    service.assert_rejects(TIMES.map(|name| attack(name, &json!(0))));
    service.assert_rejects([attack("\\u0073ub", &claims["sub"])]);
}

#[test]
fn claims_that_are_not_an_object_are_rejected() {
    let service = Service::new();
    let (header, claims) = service.parts();
    let (header, text) = (header.to_string(), claims.to_string());
    let in_order = ["iss", "aud", "sub", "client_id", "sid", "jti", "iat", "nbf", "exp"]
        .map(|name| claims[name].clone());
    let others = [
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        "\"ada\"".to_owned(),
        format!("[{text}]"),
        json!(in_order).to_string(),
        format!("{text}{text}"),
        format!("{text}x"),
        format!("\u{feff}{text}"),
        text[..text.len() - 1].to_owned(),
    ];
    service.assert_rejects(others.map(|claims| (claims.clone(), service.sign(&header, &claims))));
}
