//! A connection that is lost during `COMMIT`, before or after the transaction is committed.

use std::time::Duration;

use auth_core::{ClientInfo, DecoyPosition, RefreshToken, SessionPolicy, SigningKey, SystemRandom};
use test_postgres::Fault;
use tokio::time::sleep;
use user_store::{
    AuditLog as _, EndSessionsOutcome, Event, EventKind, KeyStore as _, PasswordVersion,
    PostgresStore, ReauthenticatedChangeOutcome, RotateOutcome, Rotation, SessionStore as _,
    StoreError, UserStore as _,
};

use super::calls::{SignedIn, sign_up_and_in};
use super::load::INCONSISTENCIES;
use super::{
    NOW, ProxiedDatabase, acting, assert_unavailable, create, ends, hash, is_alive, new_session,
    open_quietly, open_session, reauthentication, user,
};

/// The connection is lost before the transaction is committed.
const BEFORE: Fault = Fault::SwallowCommit;
/// The connection is lost after the transaction is committed.
const AFTER: Fault = Fault::SwallowCommitReply;

struct Setup {
    server: ProxiedDatabase,
    store: PostgresStore,
    ada: SignedIn,
}

impl Setup {
    async fn new() -> Self {
        let server = ProxiedDatabase::create().await;
        let store = open_quietly(&server.url()).await;
        let ada = sign_up_and_in(&store).await;
        Self { server, store, ada }
    }

    /// Makes a call whose commit is lost. It must not be reported as a success.
    async fn lose<T: std::fmt::Debug>(
        &self,
        fault: Fault,
        call: impl Future<Output = Result<T, StoreError>>,
    ) {
        let before = self.server.proxy.swallowed_commits();
        self.server.proxy.set(fault);
        assert_unavailable(ends(call).await);
        self.server.proxy.set(Fault::None);
        assert!(self.server.proxy.swallowed_commits() > before, "no commit was lost");
    }

    /// Returns the number of events of this kind.
    fn events(&self, kind: &EventKind) -> String {
        let kind = kind.as_str();
        self.server.sql(&format!("SELECT count(*) FROM events WHERE kind = '{kind}'"))
    }
}

/// The proxy loses every commit until it has lost one. On a busy machine, it can lose more until
/// the test has noticed that.
#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_created_once_although_its_commit_is_lost() {
    let setup = Setup::new().await;
    for fault in [BEFORE, AFTER] {
        let mut created = 0;
        for number in 0..10 {
            let new =
                user(&format!("user-{number}@{}.example", if fault == BEFORE { 1 } else { 2 }));
            let before = setup.server.proxy.swallowed_commits();
            setup.server.proxy.set(fault);
            let stop = async {
                while setup.server.proxy.swallowed_commits() == before {
                    sleep(Duration::from_micros(100)).await;
                }
                setup.server.proxy.set(Fault::None);
            };
            let (outcome, ()) = tokio::join!(ends(create(&setup.store, &new)), stop);
            match outcome {
                Ok(()) => {
                    created += 1;
                    assert!(setup.store.user(new.id).await.unwrap().is_some());
                }
                error => assert_unavailable(error),
            }
        }
        assert!(created > 0, "{fault:?}: no lost commit was recognised");
    }
    assert_eq!(setup.server.sql(INCONSISTENCIES), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_whose_refresh_was_lost_gets_the_same_successor() {
    let setup = Setup::new().await;
    let (first, _) = rotation(&setup.ada.token);
    setup.lose(BEFORE, rotate(&setup.store, &first)).await;
    let (second, successor) = rotation(&setup.ada.token);
    let rotated = rotate(&setup.store, &second).await.unwrap();
    assert!(matches!(rotated, RotateOutcome::Rotated(..)), "{rotated:?}");

    let (third, lost) = rotation(&successor);
    setup.lose(AFTER, rotate(&setup.store, &third)).await;
    let (again, _) = rotation(&successor);
    let RotateOutcome::Repeated(.., salt) = rotate(&setup.store, &again).await.unwrap() else {
        panic!("the lost refresh has taken effect");
    };
    let same = successor.successor(&salt);
    assert_eq!(same.hash(), lost.hash());
    let rotated = rotate(&setup.store, &rotation(&same).0).await.unwrap();
    assert!(matches!(rotated, RotateOutcome::Rotated(..)), "{rotated:?}");
    assert_eq!(setup.events(&EventKind::RefreshTokenReused), "0");
}

fn rotation(token: &RefreshToken) -> (Rotation, RefreshToken) {
    Rotation::new(token, ClientInfo::default(), &SystemRandom)
}

async fn rotate(store: &PostgresStore, rotation: &Rotation) -> Result<RotateOutcome, StoreError> {
    store.rotate_refresh_token(rotation, &SessionPolicy::default(), NOW).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_commit_was_lost_is_recorded_if_it_is_open() {
    let setup = Setup::new().await;
    for (fault, is_open) in [(BEFORE, false), (AFTER, true)] {
        let (new, _) = new_session(&setup.ada.user);
        setup.lose(fault, open_session(&setup.store, &new)).await;
        assert_eq!(is_alive(&setup.store, &new.session).await.unwrap(), is_open);
        // A client tries again with another session.
        open_session(&setup.store, &new_session(&setup.ada.user).0).await.unwrap();
    }
    assert_eq!(setup.server.sql(INCONSISTENCIES), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_sign_out_takes_effect_once() {
    let setup = Setup::new().await;
    let session = &setup.ada.session;
    let sign_out = async || setup.store.end_session(&acting(session), session.id, NOW).await;
    setup.lose(BEFORE, sign_out()).await;
    assert!(is_alive(&setup.store, session).await.unwrap());
    assert_eq!(setup.events(&EventKind::SignedOut), "0");
    setup.lose(AFTER, sign_out()).await;
    assert!(!is_alive(&setup.store, session).await.unwrap());
    assert_eq!(sign_out().await.unwrap(), EndSessionsOutcome::SessionEnded);
    assert_eq!(setup.events(&EventKind::SignedOut), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_change_takes_effect_once() {
    let setup = Setup::new().await;
    let (store, proof) = (&setup.store, reauthentication(&setup.ada.session));
    let change = async || store.change_password(&proof, &hash(), None, NOW).await;
    let version = async || {
        let (email, position) = (&setup.ada.user.email, DecoyPosition::default());
        let found = store.credentials(email.key(), &position).await.unwrap();
        found.account().unwrap().password_version
    };
    setup.lose(BEFORE, change()).await;
    assert_eq!(version().await, PasswordVersion(0));
    setup.lose(AFTER, change()).await;
    assert_eq!(change().await.unwrap(), ReauthenticatedChangeOutcome::CredentialsChanged);
    assert_eq!(version().await, PasswordVersion(1));
    assert_eq!(setup.events(&EventKind::PasswordChanged), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_deletion_takes_effect_once() {
    let setup = Setup::new().await;
    let (store, proof) = (&setup.store, reauthentication(&setup.ada.session));
    let delete = async || store.delete_own_account(&proof, None, NOW).await;
    setup.lose(BEFORE, delete()).await;
    assert!(store.user(setup.ada.user.id).await.unwrap().is_some());
    assert!(is_alive(store, &setup.ada.session).await.unwrap());
    setup.lose(AFTER, delete()).await;
    assert!(store.user(setup.ada.user.id).await.unwrap().is_none());
    assert_eq!(delete().await.unwrap(), ReauthenticatedChangeOutcome::SessionEnded);
    assert_eq!(setup.events(&EventKind::AccountDeleted), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_change_of_the_keys_takes_effect_once() {
    let setup = Setup::new().await;
    let (store, first) = (&setup.store, SigningKey::generate(&SystemRandom));
    let seeds = async || {
        let keys = store.signing_keys().await.unwrap().keys;
        keys.into_iter().map(|key| key.seed).collect::<Vec<_>>()
    };
    setup.lose(BEFORE, store.ensure_signing_key(first.seed(), NOW)).await;
    assert_eq!(seeds().await, []);
    setup.lose(AFTER, store.ensure_signing_key(first.seed(), NOW)).await;
    let other = SigningKey::generate(&SystemRandom);
    store.ensure_signing_key(other.seed(), NOW).await.unwrap();
    assert_eq!(seeds().await, [first.seed().clone()]);

    let second = SigningKey::generate(&SystemRandom);
    setup.lose(BEFORE, store.add_signing_key(&second, NOW, NOW)).await;
    assert_eq!(seeds().await.len(), 1);
    setup.lose(AFTER, store.add_signing_key(&second, NOW, NOW)).await;
    assert_eq!(seeds().await.len(), 2);
    assert_eq!(setup.events(&EventKind::SigningKeyRotated), "1");
    let version = store.signing_keys().await.unwrap().version;
    setup.lose(AFTER, store.retire_signing_key(&first, NOW)).await;
    let set = store.signing_keys().await.unwrap();
    assert_ne!(set.version, version, "other servers see that the key was retired");
    assert_eq!(set.keys.len(), 1);
    assert_eq!(setup.events(&EventKind::SigningKeyRetired), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_event_is_not_recorded_twice() {
    let setup = Setup::new().await;
    let event = Event::by_operator(EventKind::BackupMade, NOW);
    setup.lose(BEFORE, setup.store.record_event(&event)).await;
    assert_eq!(setup.events(&event.kind), "0");
    setup.lose(AFTER, setup.store.record_event(&event)).await;
    assert_eq!(setup.events(&event.kind), "1");
}
