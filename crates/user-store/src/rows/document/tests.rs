use std::fmt::Debug;

use auth_core::{CodeLimit, Limit, Role};

use super::*;

/// The documents of the rows with every field set. Later versions must read them.
const DOCUMENTS: &str = include_str!("documents.json");

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
const LATER: Timestamp = Timestamp::constant(1_700_003_600, 0);

/// Checks that the document of a row has every field, and is read again. Adds it to `documents`.
fn check<R: Document + Debug + PartialEq>(documents: &mut Map<String, Value>, name: &str, row: &R) {
    let json = row.to_json();
    assert_eq!(R::from_json(&json).unwrap(), *row);
    let members: Map<String, Value> = serde_json::from_str(&json).unwrap();
    for member in members.keys() {
        assert_ne!(members[member], Value::Null, "{name}.{member} is not set");
        let mut without = members.clone();
        without.remove(member);
        // The member is not replaced with a default.
        let read = R::from_json(&Value::Object(without).to_string());
        assert!(read.is_err(), "{name}.{member}");
    }
    documents.insert(name.to_owned(), Value::Object(members));
}

fn email() -> Email {
    Email::parse("Ada@Bücher.example").unwrap()
}

fn client() -> ClientInfo {
    ClientInfo::new("2001:db8::7".parse().ok(), Some("Firefox"))
}

fn id(last: u8) -> [u8; 16] {
    let mut id = *b"\x01\x8b\xcf\xe5\x68\x7b\x70\x00\x80\0\0\0\0\0\0\0";
    id[15] = last;
    id
}

/// An account with every field set.
fn account() -> Account {
    let mut wrong_app_codes = CodeFailures::default();
    let _ = wrong_app_codes.count(CodeLimit::AppCodes, NOW);
    let mut wrong_recovery_codes = CodeFailures::default();
    let _ = wrong_recovery_codes.count(CodeLimit::RecoveryCodes, LATER);
    Account {
        user: User {
            id: UserId::from_uuid_bytes(id(1)),
            email: email(),
            created_at: NOW,
            disabled_at: Some(LATER),
            email_verified_at: Some(NOW),
            second_factor_at: Some(LATER),
            roles: Roles::new(["admin", "editor"].map(|role| Role::parse(role).unwrap())).unwrap(),
        },
        password_hash: PasswordHash::from_stored("$2b$10$a-hash-that-is-not-valid"),
        password_version: PasswordVersion(3),
        device_version: DeviceVersion(4),
        totp: Some(AccountTotp {
            secret: TotpSecret::from_bytes(&[1; 20]).unwrap(),
            last_step: TotpStep::from_number(56_666_666),
            created_at: NOW,
            last_used_at: Some(LATER),
        }),
        pending_totp: Some(PendingTotp {
            secret: TotpSecret::from_bytes(&[2; 20]).unwrap(),
            expires_at: LATER,
        }),
        recovery_codes: Some(StoredRecoveryCodes {
            hashes: [[3; 32], [4; 32]]
                .iter()
                .map(|it| RecoveryCodeHash::from_bytes(it).unwrap())
                .collect(),
            created_at: NOW,
        }),
        wrong_app_codes,
        wrong_recovery_codes,
    }
}

fn session() -> StoredSession {
    StoredSession {
        session: Session {
            id: SessionId::from_uuid_bytes(id(2)),
            user_id: UserId::from_uuid_bytes(id(1)),
            created_at: NOW,
            expires_at: LATER,
            idle_expires_at: LATER,
            last_used_at: NOW,
            remember: true,
            amr: Amr::PASSWORD.with_second_factor(Amr::CODE),
        },
        client: client(),
        family: FamilyHash::from_bytes(&[5; 32]).unwrap(),
        refresh_token: RefreshTokenHash::from_bytes(&[6; 32]).unwrap(),
        replaced: Some(ReplacedToken {
            token: RefreshTokenHash::from_bytes(&[7; 32]).unwrap(),
            salt: SuccessorSalt::from_bytes(&[8; 32]).unwrap(),
            at: NOW,
            client: client(),
            repeats: 2,
        }),
    }
}

fn mail() -> StoredMail {
    StoredMail {
        id: MailId::from_uuid_bytes(id(4)),
        kind: "sign_in".to_owned(),
        message: Some(r#"{"code":"123"}"#.to_owned()),
        code: Some((CodePurpose::SignIn, EmailHash::of(email().key()))),
        user: Some(UserId::from_uuid_bytes(id(1))),
        recipient: "ada@example.com".to_owned(),
        network: Some(CounterKey::from_bytes([9; 32])),
        created_at: NOW,
        expires_at: LATER,
        attempts: 3,
        next_attempt_at: NOW,
        claimed_until: Some(LATER),
        failed_at: Some(NOW),
        reason: Some("the server is busy".to_owned()),
    }
}

fn passkey() -> Passkey {
    let key = "a5010203262001215820\
               6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296225820\
               4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
    Passkey {
        id: PasskeyId::from_uuid_bytes(id(3)),
        user: UserId::from_uuid_bytes(id(1)),
        credential_id: CredentialId::from_bytes(&[0, 10, 255]).unwrap(),
        public_key: PasskeyPublicKey::from_cose(&HEXLOWER.decode(key.as_bytes()).unwrap()).unwrap(),
        state: PasskeyState { sign_count: 7, backup_eligible: true, backed_up: false },
        name: PasskeyName::from_stored("My phone".to_owned()),
        created_at: NOW,
        last_used_at: Some(LATER),
    }
}

#[test]
fn a_document_has_every_field_and_is_read_again() {
    let mut documents = Map::new();
    check(&mut documents, "Account", &account());
    let value = |json| Some(MetadataValue::parse(json).unwrap());
    check(
        &mut documents,
        "Metadata",
        &Metadata { public: value(r#"{"plan":"pro"}"#), private: value("null") },
    );
    check(&mut documents, "StoredSession", &session());
    check(&mut documents, "Passkey", &passkey());
    let mut counter = Counter::default();
    counter.begin(NOW);
    let _ = counter.count(&Limit::SIGN_UPS_PER_IP, NOW, LATER);
    counter.begin(LATER);
    check(&mut documents, "Counter", &counter);
    let event = Event::by_operator(EventKind::RoleGranted, NOW)
        .about(UserId::from_uuid_bytes(id(1)))
        .in_session(SessionId::from_uuid_bytes(id(2)))
        .with_amr(Amr::PASSKEY)
        .with_detail("admin")
        .about_key("a key");
    check(&mut documents, "Event", &Event { client: client(), ..event });
    let position = FollowerPosition { cursor: EventId::new(7, 42), handled_until: NOW };
    let lease = Some(FollowerLease { holder: LeaseHolder::from_bytes([11; 16]), until: LATER });
    check(&mut documents, "StoredFollower", &StoredFollower { position, lease });
    let key = StoredSigningKey {
        seed: SigningKeySeed::from_bytes(&[12; 32]).unwrap(),
        created_at: NOW,
        signs_from: LATER,
    };
    let version = KeySetVersion::from_number(5);
    check(&mut documents, "SigningKeySet", &SigningKeySet { version, keys: vec![key] });
    let class = HashClass { accounts: 5, max_accounts: 6 };
    let decoys = Decoys {
        key: Some(DecoyKey::from_bytes([13; 32])),
        version: 8,
        counted_at: Some(NOW),
        classes: BTreeMap::from([("$2b$10$".to_owned(), class)]),
        templates: BTreeMap::from([(0, "$2b$10$".to_owned()), (255, "$2b$12$".to_owned())]),
    };
    check(&mut documents, "Decoys", &decoys);
    let code = StoredCode {
        purpose: CodePurpose::ChangeEmail,
        email_hash: EmailHash::of(email().key()),
        hash: [14; 32],
        user: Some(UserId::from_uuid_bytes(id(1))),
        browser: Some(EmailSignInTokenHash::from_bytes(&[15; 32]).unwrap()),
        remember: true,
        new_email: Some(email()),
        tries: 2,
        expires_at: LATER,
    };
    check(&mut documents, "StoredCode", &code);
    check(&mut documents, "StoredMail", &mail());

    let text = format!("{:#}\n", Value::Object(documents));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write("src/rows/document/documents.json", &text).unwrap();
    }
    assert_eq!(text, DOCUMENTS, "stores contain such documents: do not change released ones");
}

#[test]
fn a_row_without_optional_fields_is_read_again() {
    let account = Account { totp: None, pending_totp: None, recovery_codes: None, ..account() };
    assert_eq!(Account::from_json(&account.to_json()).unwrap(), account);
    let session = StoredSession { client: ClientInfo::default(), replaced: None, ..session() };
    assert_eq!(StoredSession::from_json(&session.to_json()).unwrap(), session);
    let metadata = Metadata::default();
    assert_eq!(Metadata::from_json(&metadata.to_json()).unwrap(), metadata);
    let decoys = Decoys::default();
    assert_eq!(Decoys::from_json(&decoys.to_json()).unwrap(), decoys);
    let notice = StoredMail { message: None, code: None, ..mail() };
    assert_eq!(StoredMail::from_json(&notice.to_json()).unwrap(), notice);
    for purpose in CodePurpose::ALL {
        let mail = StoredMail { code: Some((*purpose, EmailHash::of(email().key()))), ..mail() };
        assert_eq!(StoredMail::from_json(&mail.to_json()).unwrap(), mail);
    }
}

#[test]
fn a_member_of_a_later_version_is_ignored() {
    let mut document: Map<String, Value> = serde_json::from_str(&session().to_json()).unwrap();
    document.insert("later".to_owned(), Value::Bool(true));
    let read = StoredSession::from_json(&Value::Object(document).to_string()).unwrap();
    assert_eq!(read, session());
}

#[test]
fn the_error_names_the_member_and_does_not_quote_the_document() {
    let error = |json: &str| match Account::from_json(json) {
        Err(StoreError::Defect(source)) => source.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(error("secret"), "Account is not JSON");
    assert_eq!(error("[]"), "Account is missing or not valid");
    assert_eq!(error("{}"), "Account.user is missing or not valid");
    let edited = account().to_json().replace("2001", "secret").replace(&"01".repeat(20), "secret");
    assert_eq!(error(&edited), "Account.totp.secret is missing or not valid");
}
