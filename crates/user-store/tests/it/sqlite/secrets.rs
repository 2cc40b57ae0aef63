//! The content and the permissions of the files.

use std::os::unix::fs::PermissionsExt as _;

use auth_core::{
    ClientInfo, OpenSession, RefreshToken, Session, SessionPolicy, SigningKey, SystemRandom,
};
use user_store::{
    KeyStore as _, NewSession, PasswordVersion, RetireKeyOutcome, Rotation, SessionStore as _,
    UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash};

#[tokio::test]
async fn no_refresh_token_is_in_any_file() {
    let folder = Folder::new();
    let store = folder.open();
    let (user, hash, token) = (ada(), hash(), RefreshToken::generate(&SystemRandom));
    store.create_user(&user, &hash, &creation(&user)).await.unwrap();
    let policy = SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, policy: &policy };
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
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
    drop(store);
    for entry in std::fs::read_dir(folder.0.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(11).any(|window| window == b"a long walk"));
    }
}

#[tokio::test]
async fn a_retired_key_is_overwritten_in_the_database_file() {
    let folder = Folder::new();
    let store = folder.open();
    let [first, second] = [(); 2].map(|()| SigningKey::generate(&SystemRandom));
    store.add_signing_key(&first, NOW, NOW).await.unwrap();
    store.add_signing_key(&second, NOW, NOW).await.unwrap();
    drop(store);
    let contains = |key: &SigningKey| {
        folder.bytes().windows(32).any(|window| *window == *key.seed().to_bytes())
    };
    assert!(contains(&first) && contains(&second));
    let store = folder.open();
    let outcome = store.retire_signing_key(&first, NOW).await.unwrap();
    assert_eq!(outcome, RetireKeyOutcome::Retired);
    drop(store);
    assert!(!contains(&first) && contains(&second));
}

#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    let folder = Folder::new();
    let store = folder.open();
    store.create_user(&ada(), &hash(), &creation(&ada())).await.unwrap();
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

#[test]
fn permissions_of_others_on_an_existing_file_are_removed() {
    let folder = Folder::new();
    folder.open();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    folder.open();
    let mode = std::fs::metadata(folder.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
