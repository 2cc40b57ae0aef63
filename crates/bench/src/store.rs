use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use auth_core::{
    Admission, ClientInfo, Clock as _, CounterKey, DecoyPosition, Limit, Random as _, RefreshToken,
    Session, SessionId, SessionPolicy, SystemClock, SystemRandom,
};
use serde_json::json;
use tokio::runtime::Runtime;
use user_store::{
    AttemptStore as _, LimitedCounter, NewSession, OpenSessionOutcome, RotateOutcome, Rotation,
    SessionStore as _, SettledAttempt, Settlement, SqliteStore, UserStore as _,
};

use crate::fill::email;
use crate::{Outcome, answer, time};

/// The number of concurrent callers: as many as there are connections to the database.
const CALLERS: u64 = 8;

/// Measures how often per second each operation completes, on random users.
pub(crate) fn measure(database: &Path, users: u32, period: Duration) -> Outcome<()> {
    let store = Arc::new(SqliteStore::open(database)?);
    Runtime::new()?.block_on(async {
        let sessions = Arc::new(open_sessions(&store, users).await?);
        let shared = Arc::clone(&store);
        let look_up = rate(period, move || {
            let (store, id) = (Arc::clone(&shared), sessions[index(sessions.len())]);
            async move { Ok(store.session(id, SystemClock.now()).await?.map(drop).ok_or("gone")?) }
        });
        let look_up = look_up.await?;
        let shared = Arc::clone(&store);
        let sign_in = rate(period, move || sign_in(Arc::clone(&shared), any_user(users)));
        let sign_in = sign_in.await?;
        let refresh = rate(period, move || refresh(Arc::clone(&store), any_user(users))).await?;
        answer(&json!({ "look_up": look_up, "log_in": sign_in, "log_in_and_refresh": refresh }))
    })
}

/// Returns sessions of users from all over the file.
async fn open_sessions(store: &SqliteStore, users: u32) -> Outcome<Vec<SessionId>> {
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

/// Returns how often per second concurrent callers complete an operation.
async fn rate<F, W>(period: Duration, operation: F) -> Outcome<f64>
where
    F: Fn() -> W + Clone + Send + 'static,
    W: Future<Output = Outcome<()>> + Send,
{
    let (began, done) = (time(), Arc::new(AtomicU64::new(0)));
    let callers = (0..CALLERS).map(|_| {
        let (operation, done) = (operation.clone(), Arc::clone(&done));
        tokio::spawn(async move {
            while began.elapsed() < period {
                operation().await?;
                done.fetch_add(1, Ordering::Relaxed);
            }
            Outcome::Ok(())
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await??;
    }
    Ok(done.load(Ordering::Relaxed) as f64 / began.elapsed().as_secs_f64())
}

/// Does what a sign-in asks of the store: limits, credentials and a session.
async fn sign_in(store: Arc<SqliteStore>, n: u32) -> Outcome<()> {
    open_session(&store, n).await.map(drop)
}

/// Does the same, and the first refresh.
async fn refresh(store: Arc<SqliteStore>, n: u32) -> Outcome<()> {
    let token = open_session(&store, n).await?;
    let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
    let now = SystemClock.now();
    match store.rotate_refresh_token(&rotation, &SessionPolicy::default(), now).await? {
        RotateOutcome::Rotated(_) => Ok(()),
        other => Err(format!("not refreshed: {other:?}").into()),
    }
}

async fn open_session(store: &SqliteStore, n: u32) -> Outcome<RefreshToken> {
    let (email, began) = (email(n)?, SystemClock.now());
    let found = store
        .credentials(email.key(), &DecoyPosition::default())
        .await?
        .account()
        .ok_or("no such user")?;
    let counts = counts(email.as_str());
    if !matches!(store.begin_attempt(&counts, began).await?, Admission::Admitted) {
        // Another caller is signing in to the same account.
        return Err(format!("{} is throttled", email.as_str()).into());
    }
    let now = SystemClock.now();
    let policy = SessionPolicy::default();
    let session = Session::open(found.user_id, now, false, &policy, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    let new = NewSession::new(session, ClientInfo::default(), &token);
    let opened = store.open_session(&new, found.password_version, None).await?;
    if !matches!(opened, OpenSessionOutcome::Opened(_)) {
        return Err("the credentials have changed".into());
    }
    let settled = SettledAttempt {
        counters: vec![(counts[0], Settlement::Reset), (counts[1], Settlement::Refunded)],
        began_at: began,
        settled_at: now,
        failure: None,
    };
    let _ = store.settle_attempt(&settled).await?;
    Ok(token)
}

/// Returns the counters of the account and of a random IP address.
fn counts(email: &str) -> [LimitedCounter; 2] {
    let mut bytes = [0; 4];
    SystemRandom.fill(&mut bytes);
    let address = IpAddr::from(Ipv4Addr::from(bytes));
    [
        LimitedCounter {
            key: CounterKey::sign_ins_by_account(email),
            limit: Limit::SIGN_INS_PER_ACCOUNT,
        },
        LimitedCounter { key: CounterKey::sign_ins_by_ip(address), limit: Limit::SIGN_INS_PER_IP },
    ]
}

fn any_user(users: u32) -> u32 {
    u32::try_from(index(usize::try_from(users).unwrap_or(usize::MAX))).unwrap_or_default()
}

fn index(count: usize) -> usize {
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
    async fn a_sign_in_leaves_a_session_and_an_audit_event() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("latchkey.db");
        fill(&path, 1, 1_000).unwrap();
        let store = Arc::new(SqliteStore::open(&path).unwrap());
        for _ in 0..12 {
            sign_in(Arc::clone(&store), 0).await.unwrap();
        }
        refresh(Arc::clone(&store), 0).await.unwrap();
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
        assert_eq!(open_sessions(&store, 1).await.unwrap().len(), 14);
    }
}
