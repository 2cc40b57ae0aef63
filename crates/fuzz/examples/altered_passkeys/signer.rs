//! Registrations and assertions with a key of this program.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use crate::alterations::{Altered, alter_client_data, bits, lengths};
use crate::encoding::{decode, encode};
use crate::service::Service;

const CHALLENGE: &str = "MDEyMzQ1Njc4OWFiY2RlZg";

/// An authenticator whose key this program has.
pub(crate) struct Signer {
    key: Ed25519KeyPair,
    cose: Vec<u8>,
    service: Service,
}

impl Signer {
    pub(crate) fn new() -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let head = [0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 32];
        let cose = [&head[..], key.public_key().as_ref()].concat();
        Self { key, cose, service: Service::new("http://localhost:8765", "signed") }
    }

    pub(crate) fn print(&self) {
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
