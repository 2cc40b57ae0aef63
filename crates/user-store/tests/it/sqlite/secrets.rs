//! The content and the permissions of the files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use auth_core::{
    Amr, ClientInfo, CounterKey, MailId, Network, OneTimeCode, OpenSession, RecoveryCode,
    RefreshToken, Session, SessionPolicy, SigningKey, SystemRandom, TotpSecret,
};
use user_store::{
    ActingSession, BeginTotpOutcome, CodeThrottle, ConfirmTotp, ConfirmTotpOutcome, EraseOutcome,
    Erasure as _, FactorStore as _, KeyStore as _, KnownBrowsers, NOTICE_LIFETIME, NewCode,
    NewMail, NewSession, Outbox as _, PasswordVersion, RetireKeyOutcome, Rotation,
    SessionStore as _, SetPassword, SqliteStore, TurnOffOutcome, UpdateUserOutcome, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash, open_session};

#[tokio::test]
async fn no_refresh_token_is_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    let (user, hash, token) = (ada(), hash(), RefreshToken::generate(&SystemRandom));
    store.create_user(&user, &hash, &creation(&user), None).await.unwrap();
    let policy = SessionPolicy::default();
    let open =
        OpenSession { user_id: user.id, remember: false, amr: Amr::PASSWORD, policy: &policy };
    let session = Session::open(open, NOW, &SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let _ = store.open_session(&new, PasswordVersion(0), None).await.unwrap();
    let (rotation, next) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
    let _ = store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap();
    drop(store);
    let bytes = folder.bytes();
    let contains = |part: &[u8]| bytes.windows(part.len()).any(|window| window == part);
    assert!(contains(next.hash().as_bytes()), "the file contains the hash");
    for token in [token, next] {
        let text = token.to_text();
        let raw = base64::Engine::decode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, &*text).unwrap();
        assert!(!contains(text.as_bytes()) && !contains(&raw[..16]) && !contains(&raw[16..]));
    }
}

#[tokio::test]
async fn no_password_is_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    drop(store);
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"a long walk"));
    }
}

/// Returns whether one of the files contains these bytes.
fn is_in_a_file(folder: &Folder, part: &[u8]) -> bool {
    std::fs::read_dir(folder.0.path()).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(part.len()).any(|window| window == part)
    })
}

#[tokio::test]
async fn deleted_data_is_erased_from_all_files_while_others_have_them_open() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    let (user, old) = (ada(), hash());
    let keys = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    store.create_user(&user, &old, &creation(&user), None).await.unwrap();
    for key in &keys {
        store.add_signing_key(key, NOW, NOW).await.unwrap();
    }
    // The first password, and then the account with the second one.
    let new = hash();
    let set = SetPassword {
        user: user.id,
        password: new.clone(),
        browsers: KnownBrowsers::Keep,
        notice: None,
    };
    let updated = store.set_password(&set, NOW).await.unwrap();
    assert_eq!(updated, UpdateUserOutcome::Updated);
    assert!(is_in_a_file(&folder, old.to_text().as_bytes()), "it is in the log");
    assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::Erased);
    assert!(!is_in_a_file(&folder, old.to_text().as_bytes()));
    assert!(is_in_a_file(&folder, new.to_text().as_bytes()), "it is the current one");

    let updated = store.delete_user(user.id, None, NOW).await.unwrap();
    assert_eq!(updated, UpdateUserOutcome::Updated);
    let retired = store.retire_signing_key(&keys[0], NOW).await.unwrap();
    assert_eq!(retired, RetireKeyOutcome::Retired);
    let seed = keys[0].seed().to_bytes();
    assert!(is_in_a_file(&folder, b"ada@example.com") && is_in_a_file(&folder, &*seed));
    assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::Erased);
    for part in [&b"ada@example.com"[..], new.to_text().as_bytes(), &*seed] {
        assert!(!is_in_a_file(&folder, part));
    }
    assert!(is_in_a_file(&folder, &*keys[1].seed().to_bytes()), "it signs tokens");
    drop(other);
}

#[tokio::test]
async fn deleted_data_that_a_reader_needs_is_erased_later() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let reader = folder.sql();
    let count = || reader.query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0));
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count().unwrap(), 1);
    let _ = store.delete_user(user.id, None, NOW).await.unwrap();
    assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::InUse);
    assert_eq!(count().unwrap(), 1, "the reader sees its own state");
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::Erased);
    assert!(!is_in_a_file(&folder, b"ada@example.com"));
}

#[tokio::test]
async fn a_code_is_only_in_the_mail_until_the_mail_is_sent() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    let user = ada();
    let code = OneTimeCode::generate(&SystemRandom);
    let text = code.to_text().to_string();
    let network = CounterKey::mails_by_network(Network::of(None));
    let new = NewCode {
        hash: code.hash_for_user(user.id),
        code,
        expires_at: NOW + NOTICE_LIFETIME,
        mail: NewMail { id: MailId::generate(NOW, &SystemRandom), network },
        client: ClientInfo::default(),
    };
    store.create_user(&user, &hash(), &creation(&user), Some(&new)).await.unwrap();
    let stored: String =
        other.query_row("SELECT hex(hash) FROM codes", [], |row| row.get(0)).unwrap();
    let hex: String = new.hash.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(stored, hex);
    assert!(is_in_a_file(&folder, text.as_bytes()), "it has not been sent");
    assert_eq!(store.claim_mails(NOW, 10).await.unwrap().len(), 1);
    store.mail_sent(new.mail.id).await.unwrap();
    assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::Erased);
    assert!(!is_in_a_file(&folder, text.as_bytes()));
    drop(other);
}

#[tokio::test]
async fn secrets_of_second_factors_are_erased_when_they_are_deleted() {
    let folder = Folder::new();
    let store = folder.open();
    let other = folder.sql();
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let client = ClientInfo::default();
    let acting = ActingSession { session: open_session(&store, &user, &client).await.0, client };
    let [first, second, pending] = [(); 3].map(|()| TotpSecret::generate(&SystemRandom));
    let codes = RecoveryCode::generate_list(&SystemRandom);
    let hashes: Vec<_> = codes.iter().map(RecoveryCode::hash).collect();
    let begin = async |secret: &TotpSecret| {
        let begun = store.begin_totp(&acting, secret, NOW + NOTICE_LIFETIME, NOW).await.unwrap();
        assert_eq!(begun, BeginTotpOutcome::Stored);
    };
    let confirm = async |secret: &TotpSecret, outcome| {
        begin(secret).await;
        let confirmation = ConfirmTotp {
            code: secret.code_at(NOW),
            recovery_codes: hashes.clone(),
            throttle: CodeThrottle::Enforced,
            notice: None,
        };
        let confirmed = store.confirm_totp(&acting, &confirmation, NOW).await.unwrap();
        assert_eq!(confirmed, outcome);
    };
    let erase = async || {
        assert_eq!(store.erase_deleted().await.unwrap(), EraseOutcome::Erased);
    };
    confirm(&first, ConfirmTotpOutcome::TurnedOn).await;
    confirm(&second, ConfirmTotpOutcome::Replaced).await;
    begin(&pending).await;
    erase().await;
    assert!(!is_in_a_file(&folder, first.as_bytes()), "it was replaced");
    let secrets = [second.as_bytes(), pending.as_bytes(), &hashes[0].as_bytes()[..]];
    for secret in secrets {
        assert!(is_in_a_file(&folder, secret), "it is in use");
    }
    for code in &codes {
        assert!(!is_in_a_file(&folder, code.to_text().as_bytes()));
    }
    let off = store.turn_second_factor_off(&acting, None, NOW).await.unwrap();
    assert_eq!(off, TurnOffOutcome::TurnedOff);
    erase().await;
    for secret in secrets {
        assert!(!is_in_a_file(&folder, secret));
    }
    confirm(&second, ConfirmTotpOutcome::TurnedOn).await;
    begin(&pending).await;
    let deleted = store.delete_user(user.id, None, NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
    erase().await;
    for secret in secrets {
        assert!(!is_in_a_file(&folder, secret));
    }
    drop(other);
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["latchkey.db", "latchkey.db-shm", "latchkey.db-wal"]);
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// Returns the files in the folder whose permissions are not 0600.
fn open_to_others(folder: &Folder) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|file| file.metadata().unwrap().permissions().mode() & 0o777 != 0o600).collect()
}

#[tokio::test]
async fn permissions_of_others_on_existing_files_are_removed() {
    for open in [SqliteStore::open, SqliteStore::open_existing] {
        let folder = Folder::new();
        drop(folder.open());
        set_mode(&folder.path(), 0o644);
        // SQLite creates the other files with the permissions of the database.
        let store = open(&folder.path()).unwrap();
        store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
        assert!(open_to_others(&folder).is_empty());
        for suffix in ["", "-wal", "-shm"] {
            set_mode(&folder.0.path().join(format!("latchkey.db{suffix}")), 0o664);
        }
        let another = open(&folder.path()).unwrap();
        assert!(open_to_others(&folder).is_empty());
        drop((store, another));
    }
}

/// A killed server leaves a log. Inspecting the file creates the index of the log again.
#[tokio::test]
async fn an_inspection_creates_no_file_that_others_can_read() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada()), None).await.unwrap();
    let crashed = Folder::new();
    for suffix in ["", "-wal"] {
        let name = format!("latchkey.db{suffix}");
        let copy = crashed.0.path().join(&name);
        std::fs::copy(folder.0.path().join(&name), &copy).unwrap();
        set_mode(&copy, 0o644);
    }
    SqliteStore::inspect(&crashed.path()).unwrap();
    let names: Vec<_> = open_to_others(&crashed);
    assert_eq!(names.len(), 2, "those that were already there: {names:?}");
    assert_eq!(std::fs::read_dir(crashed.0.path()).unwrap().count(), 3);
}
