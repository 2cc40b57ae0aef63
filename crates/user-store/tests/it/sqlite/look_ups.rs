//! Lookups, which run on the caller's thread once their connections are open.

use auth_core::{
    ClientInfo, DecoyPosition, FamilyHash, RefreshToken, Session, SessionPolicy, SystemRandom,
};
use user_store::{
    ActingSession, EndSessionsOutcome, NewSession, OpenSessionOutcome, SessionStore as _,
    SqliteStore, StoreError, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash};

/// Enough lookups to open all connections: each lookup opens at most one.
const TIMES: usize = 40;

struct SignedIn {
    session: Session,
    family: FamilyHash,
}

/// Signs Ada in, and looks up her session until all connections are open.
async fn signed_in(store: &SqliteStore) -> SignedIn {
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user)).await.unwrap();
    let session = Session::open(user.id, NOW, false, &SessionPolicy::default(), &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let password = store
        .credentials(user.email.key(), &DecoyPosition::default())
        .await
        .unwrap()
        .account()
        .unwrap()
        .password_version;
    let opened = store.open_session(&new, password, None).await.unwrap();
    assert!(matches!(opened, OpenSessionOutcome::Opened(_)));
    let signed_in = SignedIn { session, family: token.family() };
    for _ in 0..TIMES {
        assert!(is_found(store, &signed_in).await);
    }
    signed_in
}

async fn is_found(store: &SqliteStore, signed_in: &SignedIn) -> bool {
    let by_id = store.session(signed_in.session.id, NOW).await.unwrap();
    let by_family = store.session_by_family(&signed_in.family, NOW).await.unwrap();
    assert_eq!(by_id.map(|found| found.session), by_family);
    by_family.is_some()
}

#[tokio::test]
async fn a_session_ended_by_another_server_is_not_found() {
    let folder = Folder::new();
    let (here, there) = (folder.open(), folder.open());
    let ada = signed_in(&here).await;
    let acting = ActingSession { session: ada.session, client: ClientInfo::default() };
    let ended = there.end_session(&acting, ada.session.id, NOW).await;
    assert!(matches!(ended, Ok(EndSessionsOutcome::Ended(1))));
    assert!(!is_found(&here, &ada).await);
}

#[tokio::test]
async fn nothing_is_looked_up_in_a_file_that_was_moved_away() {
    let folder = Folder::new();
    let store = folder.open();
    let ada = signed_in(&store).await;
    let elsewhere = folder.0.path().join("elsewhere.db");
    std::fs::rename(folder.path(), &elsewhere).unwrap();
    let fails = async || store.session(ada.session.id, NOW).await.is_err();
    assert!(fails().await);
    std::fs::write(folder.path(), b"").unwrap();
    assert!(fails().await, "another file is at this path");
    std::fs::rename(&elsewhere, folder.path()).unwrap();
    assert!(is_found(&store, &ada).await);
}

#[tokio::test]
async fn damage_found_by_a_look_up_is_reported() {
    let folder = Folder::new();
    let store = folder.open();
    let ada = signed_in(&store).await;
    let damage = |created_at: i64| {
        folder.sql().execute("UPDATE users SET created_at = ?1", [created_at]).unwrap();
    };
    damage(i64::MAX);
    for _ in 0..TIMES {
        let error = store.session(ada.session.id, NOW).await.unwrap_err();
        let StoreError::Unavailable(source) = error else { unreachable!("{error:?}") };
        assert!(source.to_string().contains("restore a backup"), "{source}");
    }
    damage(NOW.as_millisecond());
    assert!(is_found(&store, &ada).await);
}

#[tokio::test]
async fn a_look_up_does_not_wait_for_a_writer() {
    let folder = Folder::new();
    let store = folder.open();
    let ada = signed_in(&store).await;
    let other = folder.sql();
    other.execute_batch("BEGIN IMMEDIATE; DELETE FROM sessions").unwrap();
    assert!(is_found(&store, &ada).await, "the deletion is not committed yet");
    other.execute_batch("COMMIT").unwrap();
    assert!(!is_found(&store, &ada).await);
}
