use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{
    Admission, ClientInfo, Clock as _, CounterKey, DecoyPosition, Limit, Network, OpenSession,
    Random as _, RefreshToken, Session, SessionId, SessionPolicy, SystemClock, SystemRandom,
};
use serde_json::json;
use tokio::runtime::Runtime;
use user_store::{
    AttemptStore as _, LimitedCounter, NewSession, OpenSessionOutcome, RotateOutcome, Rotation,
    SessionStore as _, SettledAttempt, Settlement, SqliteStore, UserStore as _,
};

use crate::command::{CommandResult, now, print_line};
use crate::fill::email;

/// The number of concurrent callers. It equals the size of the store's connection pool.
const CALLERS: u64 = 8;

/// Measures how many operations per second the store performs for random users.
pub(crate) fn measure(database: &Path, users: u32, period: Duration) -> CommandResult<()> {
    let store = Arc::new(SqliteStore::open(database)?);
    Runtime::new()?.block_on(async {
        let sessions = Arc::new(session_ids(&store, users).await?);
        let shared = Arc::clone(&store);
        let look_ups = rate(period, move || {
            let (store, id) = (Arc::clone(&shared), sessions[random_index(sessions.len())]);
            async move {
                Ok(store
                    .session(id, SystemClock.now())
                    .await?
                    .map(drop)
                    .ok_or("no such session")?)
            }
        });
        let look_ups = look_ups.await?;
        let shared = Arc::clone(&store);
        let sign_ins = rate(period, move || sign_in(Arc::clone(&shared), random_user(users)));
        let sign_ins = sign_ins.await?;
        let refreshes =
            rate(period, move || sign_in_and_refresh(Arc::clone(&store), random_user(users)));
        let refreshes = refreshes.await?;
        print_line(&json!({
            "look_up": look_ups,
            "log_in": sign_ins,
            "log_in_and_refresh": refreshes,
        }))
    })
}

/// Returns the session ids of up to 1,000 users, who are spread evenly over the database.
async fn session_ids(store: &SqliteStore, users: u32) -> CommandResult<Vec<SessionId>> {
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

/// Repeats an operation with [`CALLERS`] concurrent callers. Returns the operations per second.
async fn rate<F, W>(period: Duration, operation: F) -> CommandResult<f64>
where
    F: Fn() -> W + Clone + Send + 'static,
    W: Future<Output = CommandResult<()>> + Send,
{
    let (start, done) = (now(), Arc::new(AtomicU64::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (operation, done) = (operation.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while start.elapsed() < period {
                operation().await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            CommandResult::Ok(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    Ok(done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
}

/// Performs the store operations of a sign-in: reads the credentials, begins an attempt, opens a
/// session and settles the attempt.
async fn sign_in(store: Arc<SqliteStore>, n: u32) -> CommandResult<()> {
    open_session(&store, n).await.map(drop)
}

/// Signs in and refreshes the session once.
async fn sign_in_and_refresh(store: Arc<SqliteStore>, n: u32) -> CommandResult<()> {
    let token = open_session(&store, n).await?;
    let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
    let now = SystemClock.now();
    match store.rotate_refresh_token(&rotation, &SessionPolicy::default(), now).await? {
        RotateOutcome::Rotated(_) => Ok(()),
        other => Err(format!("the session was not refreshed: {other:?}").into()),
    }
}

async fn open_session(store: &SqliteStore, n: u32) -> CommandResult<RefreshToken> {
    let email = email(n)?;
    let began_at = SystemClock.now();
    let found = store
        .credentials(email.key(), &DecoyPosition::default())
        .await?
        .account()
        .ok_or("no such user")?;
    let counters = counters(email.as_str());
    if !matches!(store.begin_attempt(&counters, began_at).await?, Admission::Admitted) {
        // Too many other callers are signing in to the same account.
        return Err(format!("{} is throttled", email.as_str()).into());
    }
    let now = SystemClock.now();
    let policy = SessionPolicy::default();
    let open = OpenSession { user_id: found.user_id, remember: false, policy: &policy };
    let session = Session::open(open, now, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let opened = store.open_session(&new, found.password_version, None).await?;
    if !matches!(opened, OpenSessionOutcome::Opened(_)) {
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

/// Returns the counters of a sign-in from a random IPv4 address, by an unknown browser.
fn counters(email: &str) -> [LimitedCounter; 3] {
    let mut bytes = [0; 4];
    SystemRandom.fill(&mut bytes);
    let network = Network::of(Some(IpAddr::from(Ipv4Addr::from(bytes))));
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

fn random_user(users: u32) -> u32 {
    u32::try_from(random_index(usize::try_from(users).unwrap_or(usize::MAX))).unwrap_or_default()
}

fn random_index(count: usize) -> usize {
    let mut bytes = [0; 8];
    SystemRandom.fill(&mut bytes);
    usize::from_le_bytes(bytes) % count.max(1)
}

#[cfg(test)]
mod tests {
    use user_store::AuditLog as _;

    use super::*;
    use crate::fill::fill;

    #[tokio::test]
    async fn a_sign_in_adds_a_session_and_an_audit_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        fill(&path, 1, 1_000).unwrap();
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        for _ in 0..12 {
            sign_in(Arc::clone(&store), 0).await.unwrap();
        }
        sign_in_and_refresh(Arc::clone(&store), 0).await.unwrap();
        let user = store
            .credentials(email(0).unwrap().key(), &DecoyPosition::default())
            .await
            .unwrap()
            .account()
            .unwrap()
            .user_id;
        let now = SystemClock.now();
        assert_eq!(store.sessions(user, now).await.unwrap().len(), 14);
        assert_eq!(store.activity(user, 50).await.unwrap().len(), 13);
        assert_eq!(session_ids(&store, 1).await.unwrap().len(), 14);
    }
}
