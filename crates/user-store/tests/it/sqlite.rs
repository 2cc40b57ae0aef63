mod backup;
mod factors;
mod faults;
#[path = "../support/folder.rs"]
mod folder;
mod in_memory;
mod inspect;
mod look_ups;
mod narrow_lookups;
mod rejected;
mod schema;
mod secrets;
mod shared_file;

use auth_core::{
    Amr, ClientInfo, DecoyPosition, Email, NewPassword, OpenSession, PasswordHash, PasswordHasher,
    PasswordPolicy, RefreshToken, Roles, Session, SessionPolicy, SystemRandom, Timestamp, UserId,
};
use rusqlite::Connection;
use user_store::{
    Event, EventKind, NewSession, OpenError, OpenSessionOutcome, SessionStore as _, SqliteStore,
    User, UserStore as _,
};

pub(crate) use folder::Folder;

impl Folder {
    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.path()).unwrap()
    }

    /// Opens a connection as another program would.
    fn sql(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }

    fn user_version(&self) -> i64 {
        self.sql().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(self.path()).unwrap()
    }

    fn open_error(&self) -> OpenError {
        SqliteStore::open(&self.path()).unwrap_err()
    }
}

mod conformance {
    use super::Folder;

    user_store::conformance_tests!(Folder::new());
}

/// Opens a session with the current password.
async fn open_session(
    store: &SqliteStore,
    user: &User,
    client: &ClientInfo,
) -> (Session, RefreshToken) {
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, amr: Amr::PASSWORD, policy };
    let session = Session::open(open, NOW, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, client.clone(), &token);
    let found = store.credentials(user.email.key(), &DecoyPosition::default()).await.unwrap();
    let verified = found.account().unwrap().password_version;
    let opened = store.open_session(&new, verified, None).await.unwrap();
    assert!(matches!(opened, OpenSessionOutcome::Opened { .. }));
    (session, token)
}

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn ada() -> User {
    let email = Email::parse("ada@example.com").unwrap();
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email,
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

fn creation(user: &User) -> Event {
    Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default()).about(user.id)
}

fn hash() -> PasswordHash {
    let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
    PasswordHasher::new(1_000).unwrap().hash(&password, &SystemRandom)
}
