//! Clients that change the store continuously.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auth_core::Session;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use user_store::{PostgresStore, StoreError, User, UserStore as _};

use super::{create, ends, is_alive, new_session, open_session, until, user};

const CLIENTS: usize = 8;

/// Clients that sign up and sign in until they are stopped.
pub(super) struct Load {
    state: Arc<State>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    is_stopped: AtomicBool,
    /// The accounts and sessions that the store has acknowledged.
    users: Mutex<Vec<User>>,
    sessions: Mutex<Vec<Session>>,
}

impl Load {
    pub(super) fn start(store: &PostgresStore) -> Self {
        let state = Arc::<State>::default();
        let client = |number| tokio::spawn(run(store.clone(), Arc::clone(&state), number));
        let clients = (0..CLIENTS).map(client).collect();
        Self { state, clients }
    }

    /// Waits until this many more sessions have been opened.
    pub(super) async fn until_more(&self, sessions: usize) {
        let count = || self.state.sessions.lock().unwrap().len();
        let goal = count() + sessions;
        until("more sessions are opened", async || count() >= goal).await;
    }

    /// Stops the clients. Checks that everything that was acknowledged exists.
    pub(super) async fn finish(self, store: &PostgresStore) {
        self.state.is_stopped.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await.unwrap();
        }
        let users = self.state.users.lock().unwrap().clone();
        for user in users {
            assert_eq!(store.user(user.id).await.unwrap().as_ref(), Some(&user));
        }
        let sessions = self.state.sessions.lock().unwrap().clone();
        for session in sessions {
            assert!(is_alive(store, &session).await.unwrap(), "{session:?}");
        }
    }
}

async fn run(store: PostgresStore, state: Arc<State>, client: usize) {
    for number in 0.. {
        if state.is_stopped.load(Ordering::Relaxed) {
            break;
        }
        let user = user(&format!("user-{number}@client-{client}.example"));
        let Some(()) = acknowledged(ends(create(&store, &user)).await).await else { continue };
        state.users.lock().unwrap().push(user.clone());
        let (new, _) = new_session(&user);
        let Some(()) = acknowledged(ends(open_session(&store, &new)).await).await else { continue };
        state.sessions.lock().unwrap().push(new.session);
    }
}

/// Returns the outcome if the store has acknowledged the change. It may be unavailable, but must
/// not have another error.
async fn acknowledged<T>(outcome: Result<T, StoreError>) -> Option<T> {
    match outcome {
        Ok(value) => Some(value),
        Err(StoreError::Unavailable(_)) => {
            sleep(Duration::from_millis(20)).await;
            None
        }
        Err(error) => unreachable!("{error:?}"),
    }
}

/// Counts the accounts and sessions whose creation is not recorded exactly once, and the events
/// about accounts and sessions that do not exist.
pub(super) const INCONSISTENCIES: &str = "
    SELECT (SELECT count(*) FROM users u WHERE 1 <>
               (SELECT count(*) FROM events e
                WHERE e.user_id = u.id AND e.kind = 'account_created'))
         + (SELECT count(*) FROM sessions s WHERE 1 <>
               (SELECT count(*) FROM events e
                WHERE e.session_id = s.id AND e.kind = 'signed_in'))
         + (SELECT count(*) FROM events e WHERE e.kind IN ('account_created', 'signed_in')
               AND NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id))
         + (SELECT count(*) FROM events e WHERE e.kind = 'signed_in'
               AND NOT EXISTS (SELECT FROM sessions s WHERE s.id = e.session_id))";
