//! Prints altered registrations and assertions of passkeys, each with the verdict of `auth-core`.
//!
//! `cargo xtask ci passkeys` compares these verdicts with those of another implementation. Most
//! registrations and assertions are those of Chromium in `auth-core/tests/data/passkeys.json`.
//! Others are signed with a key of this program, so that their signatures are valid after the
//! alteration. Each line of the output is a JSON object.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "this program is a test and prints its result"
)]

use auth_core::{
    AssertionCredential, Origin, PasskeyPublicKey, PasskeyState, RegistrationCredential,
    RelyingParty,
};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const RECORDS: &str = include_str!("../../auth-core/tests/data/passkeys.json");

const CHALLENGE: &str = "MDEyMzQ1Njc4OWFiY2RlZg";

fn main() {
    let records: Vec<Value> = serde_json::from_str(RECORDS).unwrap();
    for record in &records {
        let origin = record["origin"].as_str().unwrap();
        let service = Service::new(origin, record["name"].as_str().unwrap());
        let registration = &record["registration"];
        let challenge = challenge(registration);
        for (change, json) in alter_registration(registration) {
            service.register(&change, &challenge, &json);
        }
        let cose = key(registration);
        for (index, assertion) in record["assertions"].as_array().unwrap().iter().enumerate() {
            let challenge = self::challenge(assertion);
            // The second assertion is also altered, but only as a whole.
            let altered = if index == 0 { alter_assertion(assertion) } else { Vec::new() };
            for (change, json) in
                [("none".to_owned(), assertion.clone())].into_iter().chain(altered)
            {
                service.assert(&change, &challenge, &json, &cose, 1);
            }
            for stored in [0, 2, 3, 4, u32::MAX] {
                service.assert("none", &challenge, assertion, &cose, stored);
            }
        }
    }
    Signer::new().print();
}

/// Prints verdicts of a relying party.
struct Service {
    origin: String,
    record: String,
    service: RelyingParty,
}

impl Service {
    fn new(origin: &str, record: &str) -> Self {
        let service = RelyingParty::new(&Origin::parse(origin).unwrap()).unwrap();
        Self { origin: origin.to_owned(), record: record.to_owned(), service }
    }

    fn register(&self, change: &str, challenge: &str, json: &Value) {
        let verdict = RegistrationCredential::parse(json).and_then(|credential| {
            self.service.verify_registration(&credential)?;
            Ok(decode(challenge) == credential.challenge())
        });
        let verdict = match verdict {
            Ok(true) => "accepted".to_owned(),
            Ok(false) => "Challenge".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        self.print(json!({
            "ceremony": "registration",
            "change": change,
            "challenge": challenge,
            "credential": json,
            "verdict": verdict,
        }));
    }

    fn assert(&self, change: &str, challenge: &str, json: &Value, cose: &[u8], sign_count: u32) {
        let stored = PasskeyState { sign_count, backup_eligible: false, backed_up: false };
        let key = PasskeyPublicKey::from_cose(cose).unwrap();
        let verdict = AssertionCredential::parse(json).and_then(|credential| {
            let verified = self.service.verify_assertion(&credential, &key)?;
            Ok((decode(challenge) == credential.challenge(), stored.accept(&verified)))
        });
        let verdict = match verdict {
            Ok((true, Ok(_))) => "accepted".to_owned(),
            Ok((true, Err(error))) => format!("{error:?}"),
            Ok((false, _)) => "Challenge".to_owned(),
            Err(error) => format!("{error:?}"),
        };
        self.print(json!({
            "ceremony": "assertion",
            "change": change,
            "challenge": challenge,
            "credential": json,
            "stored": { "publicKey": encode(cose), "counter": sign_count },
            "verdict": verdict,
        }));
    }

    fn print(&self, mut line: Value) {
        line["record"] = json!(self.record);
        line["origin"] = json!(self.origin);
        line["rpId"] = json!(self.service.id());
        println!("{line}");
    }
}

type Altered<T> = Vec<(String, T)>;

/// Returns altered versions of a `RegistrationResponseJSON`, and the unaltered one.
fn alter_registration(json: &Value) -> Altered<Value> {
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
const HEADER_BYTES: usize = 55;

/// Returns altered versions of an `AuthenticationResponseJSON`.
fn alter_assertion(json: &Value) -> Altered<Value> {
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
fn alter_client_data(bytes: &[u8]) -> Altered<Vec<u8>> {
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
fn bits(bytes: &[u8]) -> Altered<Vec<u8>> {
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
fn lengths(bytes: &[u8]) -> Altered<Vec<u8>> {
    let mut altered = Vec::new();
    for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        altered.push((format!("{length} bytes"), bytes[..length].to_vec()));
    }
    for rest in [&[0][..], &[0xa0], &[0xff], &[0; 40]] {
        altered.push((format!("and {rest:?}"), [bytes, rest].concat()));
    }
    altered
}

/// An authenticator whose key this program has.
struct Signer {
    key: Ed25519KeyPair,
    cose: Vec<u8>,
    service: Service,
}

impl Signer {
    fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32];
        let cose = [&head[..], key.public_key().as_ref()].concat();
        Self { key, cose, service: Service::new("http://localhost:8765", "signed") }
    }

    fn print(&self) {
        self.print_registrations();
        let client_data = self.client_data("webauthn.get");
        let data = self.data(0x05, 2, &[]);
        for (change, client_data) in alter_client_data(&client_data) {
            self.assert(&format!("clientDataJSON: {change}"), &client_data, &data);
        }
        let altered = bits(&data).into_iter().chain(lengths(&data));
        for (change, data) in altered {
            self.assert(&format!("authenticatorData: {change}"), &client_data, &data);
        }
        for flags in 0..=u8::MAX {
            let change = format!("authenticatorData: flags {flags:#04x}");
            for (rest, bytes) in self.rests() {
                let data = self.data(flags, 2, &bytes);
                self.assert(&format!("{change}, {rest}"), &client_data, &data);
            }
        }
        for (stored, next) in [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (u32::MAX, 0)] {
            let data = self.data(0x05, next, &[]);
            let json = self.assertion(&client_data, &data);
            let change = format!("authenticatorData: counter {next} after {stored}");
            self.service.assert(&change, CHALLENGE, &json, &self.cose, stored);
        }
    }

    /// The data that may follow the counter, with names.
    fn rests(&self) -> [(&'static str, Vec<u8>); 6] {
        let credential = self.credential(b"ID", &self.cose);
        let extensions = vec![0xa1, 0x61, b'x', 0x61, b'y'];
        [
            ("nothing", vec![]),
            ("extensions", extensions.clone()),
            ("array", vec![0x81, 1]),
            ("credential", credential.clone()),
            ("credential and extensions", [credential.clone(), extensions].concat()),
            ("another credential", self.credential(b"another ID", &self.cose)),
        ]
    }

    fn print_registrations(&self) {
        let client_data = self.client_data("webauthn.create");
        for (change, object) in self.attestation_objects() {
            let json = json!({
                "id": encode(b"ID"),
                "rawId": encode(b"ID"),
                "type": "public-key",
                "clientExtensionResults": {},
                "response": {
                    "clientDataJSON": encode(&client_data),
                    "attestationObject": encode(object),
                },
            });
            self.service.register(&format!("attestationObject: {change}"), CHALLENGE, &json);
        }
    }

    fn attestation_objects(&self) -> Altered<Vec<u8>> {
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        let object = |data: &[u8]| {
            let mut object = head.to_vec();
            // Two bytes for the length.
            *object.last_mut().unwrap() = 0x59;
            object.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            object.extend(data);
            object
        };
        let mut altered = Vec::new();
        for flags in 0..=u8::MAX {
            for (rest, bytes) in self.rests() {
                let data = self.data(flags, 1, &bytes);
                altered.push((format!("flags {flags:#04x}, {rest}"), object(&data)));
            }
        }
        for (name, cose) in self.keys() {
            let data = self.data(0x45, 1, &self.credential(b"ID", &cose));
            altered.push((format!("key {name}"), object(&data)));
        }
        for length in [0, 1, 1023, 1024] {
            let data = self.data(0x45, 1, &self.credential(&vec![7; length], &self.cose));
            altered.push((format!("credential ID of {length} bytes"), object(&data)));
        }
        let valid = object(&self.data(0x45, 1, &self.credential(b"ID", &self.cose)));
        let statement = head.windows(9).position(|bytes| bytes == b"\x67attStmt\xa0").unwrap() + 8;
        for (name, format, value) in [
            ("none with a statement", &b"none"[..], &b"\xa1\x63sig\x41\0"[..]),
            ("statement is an array", b"none", b"\x80"),
            ("statement of indefinite length", b"none", b"\xbf\xff"),
            ("unknown format", b"nope", b"\xa0"),
        ] {
            let mut object = valid.clone();
            object.splice(statement..=statement, value.iter().copied());
            object.splice(6..10, format.iter().copied());
            altered.push((name.to_owned(), object));
        }
        let mut indefinite = valid.clone();
        indefinite[0] = 0xbf;
        indefinite.push(0xff);
        altered.push(("indefinite length".to_owned(), indefinite));
        let mut repeated = valid.clone();
        repeated[0] = 0xa4;
        repeated.extend(&valid[1..10]);
        altered.push(("repeated format".to_owned(), repeated));
        let mut missing = valid.clone();
        missing.splice(..10, [0xa2]);
        altered.push(("no format".to_owned(), missing));
        altered
    }

    /// Returns COSE keys, with names.
    fn keys(&self) -> Altered<Vec<u8>> {
        let mut keys = Vec::new();
        let mut add = |name: &str, cose: Vec<u8>| keys.push((name.to_owned(), cose));
        let x = &self.cose[10..];
        for key_type in 0..=4 {
            for algorithm in [&[0x26][..], &[0x27], &[0x38, 34], &[0x39, 1, 0], &[5]] {
                for curve in [1, 6, 7] {
                    let name = format!("type {key_type} algorithm {algorithm:02x?} curve {curve}");
                    let head = [&[0xa5, 1, key_type, 3], algorithm, &[0x20, curve]].concat();
                    let points = [&[0x21, 0x58, 32], x, &[0x22, 0x58, 32], x].concat();
                    add(&name, [head, points].concat());
                }
            }
        }
        let es256 = |x: &[u8], y: &[u8]| {
            let [x_length, y_length] = [x, y].map(|bytes| u8::try_from(bytes.len()).unwrap());
            let head = [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, x_length];
            [&head[..], x, &[0x22, 0x58, y_length], y].concat()
        };
        // The base point of P-256 (SEC 2, 2.4.2).
        let gx = "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY";
        let gy = "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
        let (gx, gy) = (decode(gx), decode(gy));
        add("base point", es256(&gx, &gy));
        add("not on the curve", es256(&gx, &gx));
        add("point at zero", es256(&[0; 32], &[0; 32]));
        add("short coordinate", es256(&gx[1..], &gy));
        add("long coordinate", es256(&gx, &[&[0], &gy[..]].concat()));
        let rs256 = |n: &[u8], e: &[u8]| {
            let length = u16::try_from(n.len()).unwrap().to_be_bytes();
            let e_length = u8::try_from(e.len()).unwrap();
            let head = [0xa4, 1, 3, 3, 0x39, 1, 0, 0x20, 0x59];
            [&head[..], &length, n, &[0x21, 0x40 | e_length], e].concat()
        };
        for bits in [1024, 2048, 4096, 8192, 16384] {
            add(&format!("RSA of {bits} bits"), rs256(&vec![0xff; bits / 8], &[1, 0, 1]));
        }
        for e in [&[][..], &[1], &[3], &[1, 0, 0], &[0, 1, 0, 1], &[1, 0, 0, 0, 1]] {
            add(&format!("exponent {e:?}"), rs256(&[0xff; 256], e));
        }
        let mut unordered = vec![0xa4, 0x20, 6, 3, 0x27, 1, 1];
        unordered.extend(&self.cose[7..]);
        add("in another order", unordered);
        let mut longer = self.cose.clone();
        longer.splice(2..3, [0x18, 1]);
        add("with a longer integer", longer);
        let mut additional = self.cose.clone();
        additional[0] = 0xa5;
        additional.extend([4, 0x81, 2]);
        add("with key operations", additional);
        let mut repeated = self.cose.clone();
        repeated[0] = 0xa5;
        repeated.extend([3, 0x27]);
        add("with two algorithms", repeated);
        keys
    }

    fn client_data(&self, ceremony: &str) -> Vec<u8> {
        let origin = &self.service.origin;
        let client_data = json!({ "type": ceremony, "challenge": CHALLENGE, "origin": origin });
        client_data.to_string().into_bytes()
    }

    fn data(&self, flags: u8, counter: u32, rest: &[u8]) -> Vec<u8> {
        let hash = digest(&SHA256, self.service.service.id().as_bytes());
        [hash.as_ref(), &[flags], &counter.to_be_bytes(), rest].concat()
    }

    fn credential(&self, id: &[u8], cose: &[u8]) -> Vec<u8> {
        let length = u16::try_from(id.len()).unwrap().to_be_bytes();
        [&[0; 16], &length[..], id, cose].concat()
    }

    fn assertion(&self, client_data: &[u8], data: &[u8]) -> Value {
        let message = [data, digest(&SHA256, client_data).as_ref()].concat();
        json!({
            "id": encode(b"ID"),
            "rawId": encode(b"ID"),
            "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encode(client_data),
                "authenticatorData": encode(data),
                "signature": encode(self.key.sign(&message)),
            },
        })
    }

    fn assert(&self, change: &str, client_data: &[u8], data: &[u8]) {
        let json = self.assertion(client_data, data);
        self.service.assert(change, CHALLENGE, &json, &self.cose, 1);
    }
}

/// Returns the challenge in a credential.
fn challenge(credential: &Value) -> String {
    let client_data = decode_member(credential, "clientDataJSON");
    let client_data: Value = serde_json::from_slice(&client_data).unwrap();
    client_data["challenge"].as_str().unwrap().to_owned()
}

/// Returns the COSE key of a registration. Extension data may follow it.
fn key(registration: &Value) -> Vec<u8> {
    let data = decode_member(registration, "authenticatorData");
    let length = usize::from(u16::from_be_bytes([data[53], data[54]]));
    let rest = &data[HEADER_BYTES + length..];
    let lengths = 1..=rest.len();
    let length = lengths.rev().find(|length| PasskeyPublicKey::from_cose(&rest[..*length]).is_ok());
    rest[..length.unwrap()].to_vec()
}

fn decode_member(credential: &Value, member: &str) -> Vec<u8> {
    decode(credential["response"][member].as_str().unwrap())
}

fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
