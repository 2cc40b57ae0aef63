//! Altered versions of what browsers and authenticators return.

use serde_json::{Value, json};

use crate::encoding::{decode_member, encode};

/// Altered versions of a value, each with the name of the change.
pub(crate) type Altered<T> = Vec<(String, T)>;

/// Returns altered versions of a `RegistrationResponseJSON`, and the unaltered one.
pub(crate) fn alter_registration(json: &Value) -> Altered<Value> {
    let mut altered = vec![("none".to_owned(), json.clone())];
    altered.extend(alter_credential(json, &["clientDataJSON", "attestationObject"]));
    let client_data = decode_member(json, "clientDataJSON");
    let replaced =
        one_bit_of_each_byte(&client_data).into_iter().chain(alter_client_data(&client_data));
    altered.extend(replace_each(json, "clientDataJSON", replaced));

    let object = decode_member(json, "attestationObject");
    let replaced = one_bit_of_each_byte(&object).into_iter().chain(lengths(&object));
    altered.extend(replace_each(json, "attestationObject", replaced));

    let data = decode_member(json, "authenticatorData");
    let start = object.windows(data.len()).position(|bytes| bytes == data).unwrap();
    let header = bits(&data[..HEADER_BYTES]).into_iter();
    let replaced = header.map(|(change, header)| {
        let end = start + HEADER_BYTES;
        (format!("data, {change}"), [&object[..start], &header, &object[end..]].concat())
    });
    altered.extend(replace_each(json, "attestationObject", replaced));
    altered
}

/// The number of bytes of the authenticator data of a registration before the credential ID.
pub(crate) const HEADER_BYTES: usize = 55;

/// Returns altered versions of an `AuthenticationResponseJSON`.
pub(crate) fn alter_assertion(json: &Value) -> Altered<Value> {
    let members = ["clientDataJSON", "authenticatorData", "signature"];
    let mut altered = alter_credential(json, &members);
    let client_data = decode_member(json, "clientDataJSON");
    let replaced =
        one_bit_of_each_byte(&client_data).into_iter().chain(alter_client_data(&client_data));
    altered.extend(replace_each(json, "clientDataJSON", replaced));
    for (member, alter) in [
        ("authenticatorData", bits as fn(&[u8]) -> Altered<Vec<u8>>),
        ("signature", one_bit_of_each_byte),
    ] {
        let bytes = decode_member(json, member);
        let replaced = alter(&bytes).into_iter().chain(lengths(&bytes));
        altered.extend(replace_each(json, member, replaced));
    }
    altered
}

fn replace_each(
    json: &Value,
    member: &str,
    bytes: impl Iterator<Item = (String, Vec<u8>)>,
) -> Altered<Value> {
    bytes
        .map(|(change, bytes)| {
            let mut json = json.clone();
            json["response"][member] = json!(encode(&bytes));
            (format!("{member}: {change}"), json)
        })
        .collect()
}

/// Alters the JSON itself.
fn alter_credential(json: &Value, members: &[&str]) -> Altered<Value> {
    let mut altered = Vec::new();
    let mut add = |change: &str, alter: &dyn Fn(&mut Value)| {
        let mut json = json.clone();
        alter(&mut json);
        altered.push((format!("json: {change}"), json));
    };
    add("other id", &|json| json["id"] = json!("AAAA"));
    add("other rawId", &|json| json["rawId"] = json!("AAAA"));
    add("both other", &|json| {
        json["id"] = json!("AAAA");
        json["rawId"] = json!("AAAA");
    });
    add("padded id", &|json| {
        json["id"] = json!("AA==");
        json["rawId"] = json!("AA==");
    });
    add("empty id", &|json| {
        json["id"] = json!("");
        json["rawId"] = json!("");
    });
    add("no id", &|json| json["id"] = Value::Null);
    add("other type", &|json| json["type"] = json!("password"));
    add("no type", &|json| json["type"] = Value::Null);
    add("no response", &|json| json["response"] = Value::Null);
    add("unknown members", &|json| {
        json["unknown"] = json!(1);
        json["response"]["unknown"] = json!(1);
    });
    add("no client extension results", &|json| {
        json.as_object_mut().unwrap().remove("clientExtensionResults");
    });
    for handle in [json!(null), json!(""), json!("YWRh"), json!(7)] {
        add(&format!("user handle {handle}"), &|json| {
            json["response"]["userHandle"] = handle.clone();
        });
    }
    for member in members {
        add(&format!("{member} missing"), &|json| json["response"][member] = Value::Null);
        add(&format!("{member} empty"), &|json| json["response"][member] = json!(""));
        add(&format!("{member} padded"), &|json| {
            let text = format!("{}=", json["response"][member].as_str().unwrap());
            json["response"][member] = json!(text);
        });
        add(&format!("{member} not base64url"), &|json| json["response"][member] = json!("+/?"));
    }
    altered
}

/// Alters the members of client data.
pub(crate) fn alter_client_data(bytes: &[u8]) -> Altered<Vec<u8>> {
    let original: Value = serde_json::from_slice(bytes).unwrap();
    let text = original.to_string();
    let mut altered = Vec::new();
    for (member, values) in [
        (
            "type",
            vec![json!("webauthn.create"), json!("webauthn.get"), json!("payment.get"), json!(7)],
        ),
        ("challenge", vec![json!("AAAA"), json!(""), json!("AA=="), json!(null)]),
        (
            "origin",
            vec![
                json!("https://localhost:8765"),
                json!("http://localhost"),
                json!("http://localhost:8766"),
                json!("http://localhost:8765/"),
                json!("http://LOCALHOST:8765"),
                json!("http://127.0.0.1:8765"),
                json!("http://[::1]:8765"),
                json!("http://sub.localhost:8765"),
                json!("http://localhost:8765.example.com"),
                json!(null),
            ],
        ),
        ("crossOrigin", vec![json!(true), json!(null), json!("true"), json!(0)]),
        ("topOrigin", vec![json!("https://example.com"), json!(null), json!("")]),
        ("tokenBinding", vec![json!({ "status": "supported" }), json!({}), json!("present")]),
        ("unknown", vec![json!([1, { "a": null }])]),
    ] {
        for value in values {
            let mut client_data = original.clone();
            client_data[member] = value.clone();
            altered.push((format!("{member} {value}"), client_data.to_string().into_bytes()));
        }
        let mut client_data = original.clone();
        client_data.as_object_mut().unwrap().remove(member);
        altered.push((format!("no {member}"), client_data.to_string().into_bytes()));
    }
    let inside = text.strip_prefix('{').unwrap();
    for (change, text) in [
        ("same", text.clone()),
        ("byte order mark", format!("\u{feff}{text}")),
        ("space", format!(" \n{text}\t")),
        ("trailing text", format!("{text} x")),
        ("trailing zero", format!("{text}\0")),
        ("array", format!("[{text}]")),
        ("text", json!(text).to_string()),
        ("repeated origin, wrong first", format!("{{\"origin\":\"https://example.com\",{inside}")),
        ("repeated type, wrong first", format!("{{\"type\":\"payment.get\",{inside}")),
        ("lone surrogate", format!("{{\"unknown\":\"\\ud800\",{inside}")),
        ("lone surrogate in crossOrigin", format!("{{\"crossOrigin\":\"\\ud800\",{inside}")),
        ("escaped origin", text.replace("http:", "\\u0068ttp:")),
        ("empty", String::new()),
    ] {
        altered.push((change.to_owned(), text.into_bytes()));
    }
    let mut invalid = format!("{{\"unknown\":\"?\",{inside}").into_bytes();
    let question = invalid.iter().position(|byte| *byte == b'?').unwrap();
    invalid[question] = 0xff;
    altered.push(("invalid UTF-8".to_owned(), invalid));
    altered
}

/// Changes each bit.
pub(crate) fn bits(bytes: &[u8]) -> Altered<Vec<u8>> {
    let bits = (0..bytes.len()).flat_map(|index| (0..8).map(move |bit| (index, bit)));
    bits.map(|(index, bit)| change_bit(bytes, index, bit)).collect()
}

/// Changes one bit of each byte.
fn one_bit_of_each_byte(bytes: &[u8]) -> Altered<Vec<u8>> {
    (0..bytes.len()).map(|index| change_bit(bytes, index, index * 3 % 8)).collect()
}

fn change_bit(bytes: &[u8], index: usize, bit: usize) -> (String, Vec<u8>) {
    let mut changed = bytes.to_vec();
    changed[index] ^= 1 << bit;
    (format!("bit {bit} of byte {index}"), changed)
}

/// Removes and adds bytes.
pub(crate) fn lengths(bytes: &[u8]) -> Altered<Vec<u8>> {
    let mut altered = Vec::new();
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        altered.push((format!("{length} bytes"), bytes[..length].to_vec()));
    }
    for rest in [&[0][..], &[0xa0], &[0xff], &[0; 40]] {
        altered.push((format!("and {rest:?}"), [bytes, rest].concat()));
    }
    altered
}
