//! The operations of a store that are measured.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use auth_core::{
    Admission, Amr, ClientInfo, Clock as _, CounterKey, DecoyPosition, Email, Limit, Network,
    OpenSession, PasswordHash, Random as _, RefreshToken, Roles, Session, SessionId, SessionPolicy,
    SystemClock, SystemRandom, UserId,
};
use user_store::{
    Event, EventKind, LimitedCounter, NewSession, OpenSessionOutcome, RotateOutcome, Rotation,
    SettledAttempt, Settlement, Store, User,
};

use crate::command::CommandResult;
use crate::fill::email;

/// Returns the session ids of up to 1,000 users, who are spread evenly over the database.
pub(crate) async fn session_ids(store: &dyn Store, users: u32) -> CommandResult<Vec<SessionId>> {
    let mut sessions = Vec::new();
    for n in 0..users.min(1_000) {
        let n = u32::try_from(u64::from(n) * u64::from(users) / u64::from(users.min(1_000)))?;
        let found = store
            .credentials(email(n)?.key(), &DecoyPosition::default())
            .await?
            .account()
            .ok_or("no such user")?;
        let all = store.sessions(found.user_id, SystemClock.now()).await?;
        sessions.extend(all.iter().map(|record| record.session.id));
    }
    Ok(sessions)
}

/// Looks up one of these sessions, as every request with a token does.
pub(crate) async fn look_up(
    store: Arc<dyn Store>,
    sessions: Arc<Vec<SessionId>>,
) -> CommandResult<()> {
    let id = sessions[random_index(sessions.len())];
    Ok(store.session(id, SystemClock.now()).await?.map(drop).ok_or("no such session")?)
}

/// Performs the store operations of a sign-in: reads the credentials, begins an attempt, opens a
/// session and settles the attempt.
pub(crate) async fn sign_in(store: Arc<dyn Store>, n: u32) -> CommandResult<()> {
    open_session(&*store, n).await.map(drop)
}

/// Performs the store operations of a sign-up from a random IPv4 address: begins an attempt,
/// creates the account and settles the attempt.
pub(crate) async fn sign_up(store: Arc<dyn Store>, hash: Arc<PasswordHash>) -> CommandResult<()> {
    let began_at = SystemClock.now();
    let counter = LimitedCounter {
        key: CounterKey::sign_ups_by_network(random_network()),
        limit: Limit::SIGN_UPS_PER_IP,
    };
    begin_attempt(&*store, &[counter]).await?;
    let id = UserId::generate(began_at, &SystemRandom);
    let user = User {
        id,
        email: Email::parse(&format!("{id}@example.com"))?,
        created_at: began_at,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    };
    let event = Event::by_user(EventKind::AccountCreated, began_at, ClientInfo::default());
    store.create_user(&user, &hash, &event.about(id), None).await?;
    let settled = SettledAttempt {
        counters: vec![(counter, Settlement::Counted)],
        began_at,
        settled_at: SystemClock.now(),
        failure: None,
    };
    let _ = store.settle_attempt(&settled).await?;
    Ok(())
}

/// The refresh tokens of several sessions, which are refreshed in turn.
pub(crate) struct RefreshTokens(Mutex<VecDeque<RefreshToken>>);

impl RefreshTokens {
    /// Opens sessions of random users.
    pub(crate) async fn create(store: &dyn Store, users: u32, count: usize) -> CommandResult<Self> {
        let mut tokens = VecDeque::new();
        for _ in 0..count {
            tokens.push_back(open_session(store, random_user(users)).await?);
        }
        Ok(Self(Mutex::new(tokens)))
    }

    /// Refreshes the session whose last refresh is the longest ago.
    pub(crate) async fn refresh_next(&self, store: &dyn Store) -> CommandResult<()> {
        let token = self.lock().pop_front().ok_or("all sessions are being refreshed")?;
        let (rotation, successor) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        let now = SystemClock.now();
        match store.rotate_refresh_token(&rotation, &SessionPolicy::default(), now).await? {
            RotateOutcome::Rotated(..) => {
                self.lock().push_back(successor);
                Ok(())
            }
            other => Err(format!("the session was not refreshed: {other:?}").into()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<RefreshToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn open_session(store: &dyn Store, n: u32) -> CommandResult<RefreshToken> {
    let email = email(n)?;
    let began_at = SystemClock.now();
    let found = store
        .credentials(email.key(), &DecoyPosition::default())
        .await?
        .account()
        .ok_or("no such user")?;
    let counters = counters(email.as_str());
    begin_attempt(store, &counters).await?;
    let now = SystemClock.now();
    let policy = SessionPolicy::default();
    let open = OpenSession {
        user_id: found.user_id,
        remember: false,
        amr: Amr::PASSWORD,
        policy: &policy,
    };
    let session = Session::open(open, now, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let opened = store.open_session(&new, found.password_version, None).await?;
    if !matches!(opened, OpenSessionOutcome::Opened { .. }) {
        return Err("the credentials were changed in the meantime".into());
    }
    let settled = SettledAttempt {
        counters: counters
            .into_iter()
            .zip([Settlement::Reset, Settlement::Refunded, Settlement::Refunded])
            .collect(),
        began_at,
        settled_at: now,
        failure: None,
    };
    let _ = store.settle_attempt(&settled).await?;
    Ok(token)
}

async fn begin_attempt(store: &dyn Store, counters: &[LimitedCounter]) -> CommandResult<()> {
    match store.begin_attempt(counters, SystemClock.now()).await? {
        Admission::Admitted => Ok(()),
        // Too many other callers are signing in to the same account.
        other => Err(format!("the attempt was rejected: {other:?}").into()),
    }
}

/// Returns the counters of a sign-in from a random IPv4 address, by an unknown browser.
fn counters(email: &str) -> [LimitedCounter; 3] {
    let network = random_network();
    [
        LimitedCounter {
            key: CounterKey::sign_ins_by_account_and_network(email, network),
            limit: Limit::SIGN_INS_PER_ACCOUNT_AND_IP,
        },
        LimitedCounter {
            key: CounterKey::sign_ins_by_account(email),
            limit: Limit::SIGN_INS_PER_ACCOUNT,
        },
        LimitedCounter {
            key: CounterKey::sign_ins_by_network(network),
            limit: Limit::SIGN_INS_PER_IP,
        },
    ]
}

pub(crate) fn random_user(users: u32) -> u32 {
    u32::try_from(random_index(usize::try_from(users).unwrap_or(usize::MAX))).unwrap_or_default()
}

fn random_network() -> Network {
    let mut bytes = [0; 4];
    SystemRandom.fill(&mut bytes);
    Network::of(Some(IpAddr::from(Ipv4Addr::from(bytes))))
}

fn random_index(count: usize) -> usize {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    usize::from_le_bytes(bytes) % count.max(1)
}

#[cfg(test)]
mod tests {
    use test_postgres::shared;
    use tokio::runtime::Runtime;

    use super::*;
    use crate::database::Database;
    use crate::fill::{fill, password_hash};

    #[test]
    fn sqlite_sessions_and_accounts_are_created() {
        let folder = tempfile::tempdir().unwrap();
        check_operations(&Database::Sqlite(folder.path().join("latchkey.db")));
    }

    #[test]
    fn postgresql_sessions_and_accounts_are_created() {
        let database = shared().create_database(None);
        check_operations(&Database::Postgres(database.url()));
    }

    fn check_operations(database: &Database) {
        fill(database, 1, 1_000).unwrap();
        let hash = Arc::new(password_hash(1_000).unwrap());
        Runtime::new().unwrap().block_on(async {
            let store = database.open().await.unwrap();
            for _ in 0..12 {
                sign_in(Arc::clone(&store), 0).await.unwrap();
            }
            let tokens = RefreshTokens::create(&*store, 1, 2).await.unwrap();
            for _ in 0..6 {
                tokens.refresh_next(&*store).await.unwrap();
            }
            let sessions = Arc::new(session_ids(&*store, 1).await.unwrap());
            assert_eq!(sessions.len(), 15);
            look_up(Arc::clone(&store), sessions).await.unwrap();
            sign_up(Arc::clone(&store), hash).await.unwrap();
            let users = store.users(None, 10).await.unwrap();
            assert_eq!(users.len(), 2);
            assert_eq!(store.activity(users[0].id, 50).await.unwrap().len(), 14);
            assert_eq!(store.activity(users[1].id, 50).await.unwrap().len(), 1);
        });
    }
}
