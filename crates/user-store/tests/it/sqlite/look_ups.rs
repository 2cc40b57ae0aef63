//! Lookups, which run on the caller's thread once their connections are open.

use auth_core::{
    ClientInfo, EmailSignInToken, OneTimeCode, RefreshToken, ResetToken, Session, SessionId,
    SessionPolicy, SystemRandom,
};
use user_store::{
    ActingSession, CodeStore as _, EndSessionsOutcome, Outbox as _, RotateOutcome, Rotation,
    SessionStore as _, SqliteStore, StoreError, UserStore as _,
};

use super::{Folder, NOW, ada, creation, hash, open_session};

/// Enough lookups to open all connections: each lookup opens at most one.
const TIMES: usize = 40;

struct SignedIn {
    session: Session,
    token: RefreshToken,
}

/// Signs Ada in, and looks up her session until all connections are open.
async fn signed_in(store: &SqliteStore) -> SignedIn {
    let user = ada();
    store.create_user(&user, &hash(), &creation(&user), None).await.unwrap();
    let (session, token) = open_session(store, &user, &ClientInfo::default()).await;
    let signed_in = SignedIn { session, token };
    for _ in 0..TIMES {
        assert!(is_found(store, &signed_in).await);
    }
    signed_in
}

async fn is_found(store: &SqliteStore, signed_in: &SignedIn) -> bool {
    let by_id = store.session(signed_in.session.id, NOW).await.unwrap();
    let by_family = store.session_by_family(&signed_in.token.family(), NOW).await.unwrap();
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

#[tokio::test]
async fn a_call_that_changes_nothing_does_not_wait_for_a_writer() {
    let folder = Folder::new();
    let store = folder.open();
    let ada = signed_in(&store).await;
    let other = folder.sql();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();

    let policy = SessionPolicy::default();
    let refresh = async |token: &RefreshToken, now| {
        let (rotation, _) = Rotation::new(token, ClientInfo::default(), &SystemRandom);
        store.rotate_refresh_token(&rotation, &policy, now).await
    };
    let unknown = RefreshToken::generate(&SystemRandom);
    assert_eq!(refresh(&unknown, NOW).await.unwrap(), RotateOutcome::Unknown);
    let expired = refresh(&ada.token, ada.session.idle_expires_at).await;
    assert_eq!(expired.unwrap(), RotateOutcome::Unknown);

    let acting = ActingSession { session: ada.session, client: ClientInfo::default() };
    let unknown = SessionId::generate(NOW, &SystemRandom);
    let ended = store.end_session(&acting, unknown, NOW).await;
    assert_eq!(ended.unwrap(), EndSessionsOutcome::Ended(0));
    let ended = store.end_other_sessions(&acting, NOW).await;
    assert_eq!(ended.unwrap(), EndSessionsOutcome::Ended(0));

    let token = ResetToken::generate(&SystemRandom).hash();
    assert_eq!(store.reset_target(&token, NOW).await.unwrap(), None);
    let browser = EmailSignInToken::generate(&SystemRandom);
    let code = OneTimeCode::generate(&SystemRandom).hash_for_browser(&browser);
    assert_eq!(store.pending_sign_in(&browser.hash(), &code, NOW).await.unwrap(), None);
    assert_eq!(store.claim_mails(NOW, 10).await.unwrap(), []);

    let refreshed = refresh(&ada.token, NOW).await;
    assert!(matches!(refreshed, Err(StoreError::Unavailable(_))), "a refresh must be written");
}
