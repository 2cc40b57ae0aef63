//! Measures the operations of a store in the system's temporary folder:
//! `cargo bench --package user-store`.

#![expect(clippy::unwrap_used, reason = "a failed step stops the measurement")]

use auth_core::{
    Amr, ClientInfo, Clock as _, DecoyPosition, Email, NewPassword, OpenSession, PasswordHasher,
    PasswordPolicy, RefreshToken, Roles, Session, SessionPolicy, SuccessorSalt, SystemClock,
    SystemRandom, Timestamp, UserId,
};
use divan::Bencher;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use user_store::{
    Event, EventKind, IfReplaced, NewSession, OpenSessionOutcome, PasswordVersion, RotateOutcome,
    Rotation, SessionStore as _, SqliteStore, User, UserStore as _,
};

fn main() {
    divan::main();
}

/// A store with [`ACCOUNTS`] accounts, and the account that the benchmarks use.
struct World {
    runtime: Runtime,
    store: SqliteStore,
    now: Timestamp,
    user: User,
    password: PasswordVersion,
    _folder: TempDir,
}

/// The number of accounts.
const ACCOUNTS: usize = 1_000;

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("latchkey.db")).unwrap();
        let (runtime, now) = (Runtime::new().unwrap(), SystemClock.now());
        let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
        let hash = PasswordHasher::new(1_000).unwrap().hash(&password, &SystemRandom);
        let mut users: Vec<_> = (0..ACCOUNTS).map(|n| person(n, now)).collect();
        for user in &users {
            let event = Event::by_user(EventKind::AccountCreated, now, ClientInfo::default());
            runtime.block_on(store.create_user(user, &hash, &event.about(user.id), None)).unwrap();
        }
        let user = users.swap_remove(ACCOUNTS / 2);
        let found = runtime
            .block_on(store.credentials(user.email.key(), &DecoyPosition::default()))
            .unwrap()
            .account();
        let password = found.unwrap().password_version;
        Self { runtime, store, now, user, password, _folder: folder }
    }

    fn new_session(&self) -> (NewSession, RefreshToken) {
        let (policy, token) = (SessionPolicy::default(), RefreshToken::generate(&SystemRandom));
        let open = OpenSession {
            user_id: self.user.id,
            remember: false,
            amr: Amr::PASSWORD,
            policy: &policy,
        };
        let session = Session::open(open, self.now, &SystemRandom);
        (NewSession::new(session, ClientInfo::default(), &token), token)
    }

    fn open(&self, new: &NewSession) {
        let opened = self.runtime.block_on(self.store.open_session(new, self.password, None));
        assert!(matches!(opened, Ok(OpenSessionOutcome::Opened { .. })));
    }
}

fn person(n: usize, now: Timestamp) -> User {
    let email = Email::parse(&format!("person-{n}@example.com")).unwrap();
    User {
        id: UserId::generate(now, &SystemRandom),
        email,
        created_at: now,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

#[divan::bench]
fn look_up_session(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let (new, _) = world.new_session();
    world.open(&new);
    let check = || world.store.session(new.session.id, world.now);
    bencher.bench_local(|| world.runtime.block_on(check()).unwrap().unwrap());
}

#[divan::bench]
fn look_up_credentials(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let position = DecoyPosition::default();
    let look_up = || world.store.credentials(world.user.email.key(), &position);
    bencher.bench_local(|| world.runtime.block_on(look_up()).unwrap().account().unwrap());
}

#[divan::bench]
fn open_session(bencher: Bencher<'_, '_>) {
    let world = World::new();
    bencher.with_inputs(|| world.new_session().0).bench_local_values(|new| world.open(&new));
}

#[divan::bench]
fn rotate_refresh_token(bencher: Bencher<'_, '_>) {
    let world = World::new();
    let (new, mut token) = world.new_session();
    world.open(&new);
    bencher.bench_local(|| {
        let salt = SuccessorSalt::generate(&SystemRandom);
        let successor = token.successor(&salt);
        let rotation = Rotation {
            if_replaced: IfReplaced::Judge,
            family: token.family(),
            presented: token.hash(),
            successor: successor.hash(),
            salt,
            client: ClientInfo::default(),
        };
        let policy = SessionPolicy::default();
        let rotated = world.store.rotate_refresh_token(&rotation, &policy, world.now);
        let rotated = world.runtime.block_on(rotated);
        assert!(matches!(rotated, Ok(RotateOutcome::Rotated(..))));
        token = successor;
    });
}
