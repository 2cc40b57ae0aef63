use auth_core::{
    InvalidCredential as Error, InvalidPublicKey, PasskeyAlgorithm, PasskeyState,
    RegistrationCredential, VerifiedRegistration,
};
use serde_json::{Value, json};

use super::authenticator::{
    AT, AttestedCredential, Authenticator, BE, BS, CHALLENGE, ED, EMPTY_MAP, MakeAttestation,
    ORIGIN, Registration, base64url, cbor, none_attestation, service,
};

fn verify(registration: &Registration) -> Result<VerifiedRegistration, Error> {
    verify_json(&registration.to_json())
}

fn verify_json(json: &Value) -> Result<VerifiedRegistration, Error> {
    let credential = RegistrationCredential::parse(json)?;
    service().verify_registration(&credential)
}

#[test]
fn a_registration_is_accepted_with_each_algorithm() {
    for algorithm in PasskeyAlgorithm::ALL {
        let authenticator = Authenticator::new(algorithm);
        let json = authenticator.register().to_json();
        let credential = RegistrationCredential::parse(&json).unwrap();
        assert_eq!(credential.challenge(), CHALLENGE);
        let verified = service().verify_registration(&credential).unwrap();
        assert_eq!(verified.credential_id, authenticator.credential_id());
        assert_eq!(verified.public_key, authenticator.public_key());
        assert_eq!(verified.public_key.algorithm(), algorithm);
        let state = PasskeyState { sign_count: 0, backup_eligible: false, backed_up: false };
        assert_eq!(verified.state, state);
    }
}

#[test]
fn the_state_is_read_from_the_authenticator_data() {
    let mut registration = Authenticator::new(PasskeyAlgorithm::EdDsa).register();
    registration.data.sign_count = 0x0102_0304;
    for (flags, backup_eligible, backed_up) in
        [(0, false, false), (BE, true, false), (BE | BS, true, true)]
    {
        registration.data.flags &= !(BE | BS);
        registration.data.flags |= flags;
        let state = PasskeyState { sign_count: 0x0102_0304, backup_eligible, backed_up };
        assert_eq!(verify(&registration).unwrap().state, state);
    }
}

/// A change to a valid registration, and the expected error.
type Case = (&'static str, Change, Error);

type Change = fn(&mut Registration);

#[test]
fn each_check_rejects_a_registration() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::Es256);
    for (name, change, expected) in CREDENTIAL.iter().chain(CLIENT_DATA).chain(AUTHENTICATOR) {
        let mut registration = authenticator.register();
        change(&mut registration);
        assert_eq!(verify(&registration).as_ref(), Err(expected), "{name}");
    }
}

const CREDENTIAL: &[Case] = &[
    ("no object", |r| r.credential = json!([]), Error::Member("type")),
    ("no type", |r| r.credential["type"] = Value::Null, Error::Member("type")),
    ("another type", |r| r.credential["type"] = json!("password"), Error::CredentialType),
    ("no rawId", |r| r.credential["rawId"] = Value::Null, Error::Member("rawId")),
    ("no id", |r| r.credential["id"] = Value::Null, Error::Member("id")),
    ("another id", |r| r.credential["id"] = json!("AAAA"), Error::CredentialIdMismatch),
    ("padded id", |r| set_id(r, "AA=="), Error::Encoding("rawId")),
    ("id with trailing bits", |r| set_id(r, "AB"), Error::Encoding("rawId")),
    ("id in the other alphabet", |r| set_id(r, "+/+/"), Error::Encoding("rawId")),
    ("empty id", |r| set_id(r, ""), Error::CredentialId(auth_core::InvalidCredentialId)),
    (
        "id of 1024 bytes",
        |r| set_id(r, &base64url([7; 1024])),
        Error::CredentialId(auth_core::InvalidCredentialId),
    ),
    (
        "another id in the authenticator data",
        |r| attested(r).id = b"another".to_vec(),
        Error::CredentialIdMismatch,
    ),
    (
        "1024 bytes in the authenticator data",
        |r| attested(r).id = vec![7; 1024],
        Error::CredentialId(auth_core::InvalidCredentialId),
    ),
    ("no response", |r| r.credential["response"] = Value::Null, Error::Member("clientDataJSON")),
    (
        "response is no object",
        |r| r.credential["response"] = json!("text"),
        Error::Member("clientDataJSON"),
    ),
    (
        "no attestation object",
        |r| r.credential["response"]["attestationObject"] = json!(7),
        Error::Member("attestationObject"),
    ),
    (
        "padded attestation object",
        |r| r.credential["response"]["attestationObject"] = json!("oA=="),
        Error::Encoding("attestationObject"),
    ),
    (
        "padded client data",
        |r| r.credential["response"]["clientDataJSON"] = json!("e30="),
        Error::Encoding("clientDataJSON"),
    ),
];

const CLIENT_DATA: &[Case] = &[
    ("empty", |r| r.client_data.bytes = Some(vec![]), Error::ClientData),
    ("not JSON", |r| r.client_data.bytes = Some(b"{".to_vec()), Error::ClientData),
    (
        "array",
        |r| {
            let members = ["webauthn.create", &base64url(CHALLENGE), ORIGIN];
            r.client_data.bytes = Some(json!(members).to_string().into_bytes());
        },
        Error::ClientData,
    ),
    (
        "text after the object",
        |r| r.client_data.bytes = Some(format!("{} x", r.client_data.members).into_bytes()),
        Error::ClientData,
    ),
    (
        "two byte order marks",
        |r| r.client_data.bytes = Some(format!("\u{feff}\u{feff}{}", r.client_data.members).into()),
        Error::ClientData,
    ),
    (
        "invalid UTF-8 in a member that is not used",
        |r| {
            let mut bytes = r.client_data.members.to_string().into_bytes();
            bytes.splice(1..1, *b"\"x\":\"\xff\",");
            r.client_data.bytes = Some(bytes);
        },
        Error::ClientData,
    ),
    ("repeated type", |r| repeat(r, "type", "webauthn.create"), Error::ClientData),
    ("repeated challenge", |r| repeat(r, "challenge", "AAAA"), Error::ClientData),
    ("repeated origin", |r| repeat(r, "origin", ORIGIN), Error::ClientData),
    ("no type", |r| r.client_data.members["type"] = Value::Null, Error::ClientData),
    ("no challenge", |r| r.client_data.members["challenge"] = Value::Null, Error::ClientData),
    ("no origin", |r| r.client_data.members["origin"] = Value::Null, Error::ClientData),
    ("padded challenge", |r| r.client_data.members["challenge"] = json!("AA=="), Error::ClientData),
    (
        "crossOrigin is a text",
        |r| r.client_data.members["crossOrigin"] = json!("false"),
        Error::ClientData,
    ),
    (
        "type of an assertion",
        |r| r.client_data.members["type"] = json!("webauthn.get"),
        Error::Ceremony("webauthn.create"),
    ),
    (
        "type of a payment",
        |r| r.client_data.members["type"] = json!("payment.get"),
        Error::Ceremony("webauthn.create"),
    ),
    ("other scheme", |r| set_origin(r, "http://auth.example.com"), Error::Origin),
    ("other port", |r| set_origin(r, "https://auth.example.com:8443"), Error::Origin),
    ("default port", |r| set_origin(r, "https://auth.example.com:443"), Error::Origin),
    ("subdomain", |r| set_origin(r, "https://evil.auth.example.com"), Error::Origin),
    ("parent domain", |r| set_origin(r, "https://example.com"), Error::Origin),
    ("same beginning", |r| set_origin(r, "https://auth.example.com.evil.example"), Error::Origin),
    ("slash", |r| set_origin(r, "https://auth.example.com/"), Error::Origin),
    ("upper case", |r| set_origin(r, "https://AUTH.example.com"), Error::Origin),
    ("app", |r| set_origin(r, "android:apk-key-hash:AAAA"), Error::Origin),
    ("cross origin", |r| r.client_data.members["crossOrigin"] = json!(true), Error::CrossOrigin),
    ("top origin", |r| r.client_data.members["topOrigin"] = json!(ORIGIN), Error::CrossOrigin),
    ("null top origin", |r| r.client_data.members["topOrigin"] = Value::Null, Error::CrossOrigin),
];

const AUTHENTICATOR: &[Case] = &[
    ("other relying party", |r| r.data.rp_id = "example.com", Error::RelyingParty),
    ("not present", |r| r.data.flags &= !super::authenticator::UP, Error::UserNotPresent),
    ("not verified", |r| r.data.flags &= !super::authenticator::UV, Error::UserNotVerified),
    ("backed up but not eligible", |r| r.data.flags |= BS, Error::BackupState),
    (
        "no credential",
        |r| {
            r.data.flags &= !AT;
            r.data.attested = None;
        },
        Error::NoAttestedCredential,
    ),
    ("credential without its flag", |r| r.data.flags &= !AT, Error::AuthenticatorData),
    ("flag without credential", |r| r.data.attested = None, Error::AuthenticatorData),
    ("trailing byte", |r| r.data.rest = vec![0], Error::AuthenticatorData),
    ("extensions without their flag", |r| r.data.rest = EMPTY_MAP.into(), Error::AuthenticatorData),
    ("flag without extensions", |r| r.data.flags |= ED, Error::AuthenticatorData),
    ("extensions in an array", |r| set_extensions(r, &[0x80]), Error::AuthenticatorData),
    (
        "extensions with a number as key",
        |r| set_extensions(r, &[0xa1, 1, 1]),
        Error::AuthenticatorData,
    ),
    ("two extension maps", |r| set_extensions(r, &[0xa0, 0xa0]), Error::AuthenticatorData),
    ("truncated extensions", |r| set_extensions(r, &[0xa1, 0x61]), Error::AuthenticatorData),
    ("extensions of indefinite length", |r| set_extensions(r, &[0xbf]), Error::AuthenticatorData),
    ("key is not CBOR", |r| attested(r).cose = vec![0xff], Error::AuthenticatorData),
    (
        "key is no map",
        |r| attested(r).cose = vec![0x80],
        Error::PublicKey(InvalidPublicKey::Malformed),
    ),
    (
        "key of another algorithm",
        |r| attested(r).cose = vec![0xa2, 1, 2, 3, 0x38, 34],
        Error::PublicKey(InvalidPublicKey::Algorithm),
    ),
];

fn attested(registration: &mut Registration) -> &mut AttestedCredential {
    registration.data.attested.as_mut().unwrap()
}

fn set_id(registration: &mut Registration, text: &str) {
    registration.credential["id"] = json!(text);
    registration.credential["rawId"] = json!(text);
}

fn set_origin(registration: &mut Registration, origin: &str) {
    registration.client_data.members["origin"] = json!(origin);
}

fn set_extensions(registration: &mut Registration, extensions: &[u8]) {
    registration.data.flags |= ED;
    registration.data.rest = extensions.to_vec();
}

fn repeat(registration: &mut Registration, member: &str, value: &str) {
    let client_data = registration.client_data.members.to_string();
    let rest = client_data.strip_prefix('{').unwrap();
    registration.client_data.bytes = Some(format!("{{{member:?}:{value:?},{rest}").into_bytes());
}

#[test]
fn authenticator_data_of_any_other_length_are_rejected() {
    let mut registration = Authenticator::new(PasskeyAlgorithm::EdDsa).register();
    set_extensions(&mut registration, &[0xa1, 0x61, b'x', 0x61, b'y']);
    let length = registration.data.to_bytes().len();
    for length in 0..length {
        registration.data.length = Some(length);
        assert!(verify(&registration).is_err(), "{length}");
    }
    registration.data.length = None;
    assert!(verify(&registration).is_ok());
}

#[test]
fn items_that_ctap_forbids_are_rejected() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    let check = |value: &[u8]| {
        let mut registration = authenticator.register();
        set_extensions(&mut registration, &[&[0xa1, 0x61, b'x'], value].concat());
        verify(&registration)
    };
    // Integers, bytes, texts, arrays, maps, simple values and floats.
    for value in [
        &[0][..],
        &[0x38, 0xff],
        &[0x41, 0],
        &[0x61, b'y'],
        &[0x82, 0, 0x80],
        &[0xa1, 0, 0xa0],
        &[0xf6],
        &[0xf9, 0, 0],
        &[0xfb, 0, 0, 0, 0, 0, 0, 0, 0],
    ] {
        assert!(check(value).is_ok(), "{value:02x?}");
    }
    // Indefinite lengths, a tag, an end without a beginning, and reserved values.
    for value in [
        &[0x5f, 0xff][..],
        &[0x7f, 0xff],
        &[0x9f, 0xff],
        &[0xbf, 0xff],
        &[0xc0, 0],
        &[0xff],
        &[0x82, 0, 0xff],
        &[0x1c],
        &[0xfc],
        &[0x61, 0xff],
        &[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        // The number of items overflows.
        &[0xbb, 0x80, 0, 0, 0, 0, 0, 0, 0],
        &[0x82, 0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ] {
        assert_eq!(check(value), Err(Error::AuthenticatorData), "{value:02x?}");
    }
}

#[test]
fn attestation_objects_that_are_malformed_are_rejected() {
    let cases: &[(&str, MakeAttestation)] = &[
        ("empty", |_| vec![]),
        ("trailing byte", |data| [none_attestation(data), vec![0]].concat()),
        ("truncated", |data| none_attestation(data).split_last().unwrap().1.to_vec()),
        ("array", |_| vec![0x80]),
        ("indefinite length", |data| {
            let mut object = none_attestation(data);
            object[0] = 0xbf;
            [object, vec![0xff]].concat()
        }),
        ("no format", |data| {
            cbor(|e| e.map(2)?.str("attStmt")?.map(0)?.str("authData")?.bytes(data)?.ok())
        }),
        ("no statement", |data| {
            cbor(|e| e.map(2)?.str("fmt")?.str("none")?.str("authData")?.bytes(data)?.ok())
        }),
        ("no authenticator data", |_| {
            cbor(|e| e.map(2)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?.ok())
        }),
        ("format is no text", |data| {
            cbor(|e| {
                e.map(3)?.str("fmt")?.i8(1)?.str("attStmt")?.map(0)?;
                e.str("authData")?.bytes(data)?.ok()
            })
        }),
        ("statement is no map", |data| {
            cbor(|e| {
                e.map(3)?.str("fmt")?.str("none")?.str("attStmt")?.array(0)?;
                e.str("authData")?.bytes(data)?.ok()
            })
        }),
        ("authenticator data are a text", |_| {
            cbor(|e| {
                e.map(3)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
                e.str("authData")?.str("text")?.ok()
            })
        }),
        ("two authenticator data", |data| {
            cbor(|e| {
                e.map(4)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
                e.str("authData")?.bytes(data)?.str("authData")?.bytes(data)?.ok()
            })
        }),
        ("two formats", |data| {
            cbor(|e| {
                e.map(4)?.str("fmt")?.str("none")?.str("fmt")?.str("none")?;
                e.str("attStmt")?.map(0)?.str("authData")?.bytes(data)?.ok()
            })
        }),
        ("key is a number", |data| {
            cbor(|e| {
                e.map(4)?.str("fmt")?.str("none")?.str("attStmt")?.map(0)?;
                e.str("authData")?.bytes(data)?.i8(1)?.i8(1)?.ok()
            })
        }),
        ("more entries than there are", |data| {
            [&[0xbb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], &none_attestation(data)[1..]]
                .concat()
        }),
    ];
    let authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    for (name, make) in cases {
        let mut registration = authenticator.register();
        registration.attestation = Some(*make);
        assert_eq!(verify(&registration), Err(Error::AttestationObject), "{name}");
    }
}

#[test]
fn attestation_statements_are_not_verified() {
    let cases: &[(&str, MakeAttestation)] = &[
        ("unknown format", |data| {
            cbor(|e| {
                e.map(3)?.str("fmt")?.str("unknown")?.str("attStmt")?.map(2)?;
                e.str("sig")?.bytes(b"not a signature")?.str("x5c")?.array(2)?.f64(0.5)?.null()?;
                e.str("authData")?.bytes(data)?.ok()
            })
        }),
        ("other members, in another order", |data| {
            cbor(|e| {
                e.map(4)?.str("authData")?.bytes(data)?.str("epAtt")?.bool(true)?;
                e.str("attStmt")?.map(0)?.str("fmt")?.str("none")?.ok()
            })
        }),
        ("deep nesting", |data| {
            let mut object = cbor(|e| {
                e.map(3)?.str("authData")?.bytes(data)?.str("fmt")?.str("none")?;
                e.str("attStmt")?.map(1)?.str("x")?.ok()
            });
            object.extend(vec![0x81; 1_000_000]);
            object.push(0);
            object
        }),
    ];
    let authenticator = Authenticator::new(PasskeyAlgorithm::EdDsa);
    for (name, make) in cases {
        let mut registration = authenticator.register();
        registration.attestation = Some(*make);
        assert!(verify(&registration).is_ok(), "{name}");
    }
}

#[test]
fn additions_of_authenticators_and_browsers_are_ignored() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::Es256);
    let changes: &[(&str, Change)] = &[
        ("extensions", |r| set_extensions(r, &[0xa1, 0x61, b'x', 0x81, 0xa0])),
        ("no extensions", |r| set_extensions(r, EMPTY_MAP)),
        ("reserved flags", |r| r.data.flags |= 0x22),
        ("byte order mark", |r| {
            r.client_data.bytes = Some(format!("\u{feff}{}", r.client_data.members).into_bytes());
        }),
        ("space", |r| r.client_data.bytes = Some(format!("\n{}\t", r.client_data.members).into())),
        ("escapes", |r| {
            let text = r.client_data.members.to_string().replace("https:", "\\u0068ttps:");
            r.client_data.bytes = Some(text.into_bytes());
        }),
        ("repeated unknown member", |r| repeat(r, "other_keys_can_be_added_here", "")),
        ("no crossOrigin", |r| {
            r.client_data.members.as_object_mut().unwrap().remove("crossOrigin");
        }),
        ("null crossOrigin", |r| r.client_data.members["crossOrigin"] = Value::Null),
        ("unknown members", |r| r.credential["response"]["unknown"] = json!([{}])),
        ("longest ID", |r| {
            let id = vec![7; 1023];
            set_id(r, &base64url(&id));
            attested(r).id = id;
        }),
    ];
    for (name, change) in changes {
        let mut registration = authenticator.register();
        change(&mut registration);
        let verified = verify(&registration);
        assert!(verified.is_ok(), "{name}: {verified:?}");
    }
}

#[test]
fn the_attestation_object_counts_and_its_copies_do_not() {
    let authenticator = Authenticator::new(PasskeyAlgorithm::Es256);
    let mut json = authenticator.register().to_json();
    let response = json["response"].as_object_mut().unwrap();
    assert!(response.contains_key("publicKey"));
    response.retain(|name, _| name == "clientDataJSON" || name == "attestationObject");
    assert_eq!(verify_json(&json).unwrap().public_key, authenticator.public_key());
}
