//! One call of each kind.

use auth_core::{ClientInfo, DecoyPosition, RefreshToken, Session, SessionPolicy, SystemRandom};
use user_store::{
    AuditLog as _, Event, EventKind, HealthCheck as _, KeyStore as _, PostgresStore, Rotation,
    SessionStore as _, StoreError, User, UserDataStore as _, UserStore as _,
};

use super::{NOW, create, ends, new_session, open_session, sign_in, sign_up, user};

/// A user who is signed in.
pub(super) struct SignedIn {
    pub(super) user: User,
    pub(super) session: Session,
    pub(super) token: RefreshToken,
}

pub(super) async fn sign_up_and_in(store: &PostgresStore) -> SignedIn {
    let user = sign_up(store, "ada@example.com").await;
    let (session, token) = sign_in(store, &user).await;
    SignedIn { user, session, token }
}

/// Makes calls of every kind at the same time. Returns their names and outcomes.
pub(super) async fn call_everything(
    store: &PostgresStore,
    ada: &SignedIn,
) -> Vec<(&'static str, Result<(), StoreError>)> {
    let SignedIn { user: account, session, token } = ada;
    let newcomer = user(&format!("{}@example.com", new_session(account).0.session.id));
    let (new, _) = new_session(account);
    let (rotation, _) = Rotation::new(token, ClientInfo::default(), &SystemRandom);
    let event = Event::by_operator(EventKind::BackupMade, NOW);
    let (position, policy) = (DecoyPosition::default(), SessionPolicy::default());
    let outcomes = tokio::join!(
        ends(store.session(session.id, NOW)),
        ends(store.sessions(account.id, NOW)),
        ends(store.credentials(account.email.key(), &position)),
        ends(store.users(None, 10)),
        ends(store.user_data(account.id)),
        ends(store.signing_keys()),
        ends(store.ping()),
        ends(create(store, &newcomer)),
        ends(open_session(store, &new)),
        ends(store.rotate_refresh_token(&rotation, &policy, NOW)),
        ends(store.record_event(&event)),
        ends(store.purge_sessions(NOW, 10)),
    );
    vec![
        ("session", outcomes.0.map(drop)),
        ("sessions", outcomes.1.map(drop)),
        ("credentials", outcomes.2.map(drop)),
        ("users", outcomes.3.map(drop)),
        ("user_data", outcomes.4.map(drop)),
        ("signing_keys", outcomes.5.map(drop)),
        ("ping", outcomes.6),
        ("create_user", outcomes.7),
        ("open_session", outcomes.8),
        ("rotate_refresh_token", outcomes.9.map(drop)),
        ("record_event", outcomes.10),
        ("purge_sessions", outcomes.11.map(drop)),
    ]
}

pub(super) async fn assert_all_unavailable(store: &PostgresStore, ada: &SignedIn) {
    for (name, outcome) in call_everything(store, ada).await {
        assert!(matches!(outcome, Err(StoreError::Unavailable(_))), "{name}: {outcome:?}");
    }
}

/// Asserts that every call succeeds, the first one included, and that the user is still signed in.
/// A ping can fail until the next heartbeat.
pub(super) async fn assert_all_succeed(store: &PostgresStore, ada: &SignedIn) {
    for (name, outcome) in call_everything(store, ada).await {
        assert!(outcome.is_ok() || name == "ping", "{name}: {outcome:?}");
    }
    assert!(store.session(ada.session.id, NOW).await.unwrap().is_some());
    super::until("a ping succeeds", async || store.ping().await.is_ok()).await;
}
