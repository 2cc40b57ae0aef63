//! Simulates the passage of time by moving stored times into the past.

use std::time::Duration;

use auth_core::{
    AccessTokens, Amr, Clock as _, NewAccessToken, OpenSession, Session, SessionPolicy, SigningKey,
    SystemClock, SystemRandom,
};
use rusqlite::Connection;
use user_store::{KeyStore as _, SqliteStore};

use crate::visitor::Visitor;

/// The server's default lifetime of an access token.
const LIFETIME: Duration = Duration::from_mins(5);

impl Visitor {
    /// Moves the times of all sessions into the past. Also replaces the access token of the current
    /// tab with the one that the server would have issued at that earlier time.
    pub(crate) async fn lets_time_pass(&self, time: Duration) {
        if let Some(token) = self.token().await {
            self.stores_token(&self.backdated(&token, time).await).await;
        }
        let millis = i64::try_from(time.as_millis()).unwrap();
        let database = Connection::open(self.database()).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        database
            .execute(
                "UPDATE sessions
                 SET created_at = created_at - ?1, last_used_at = last_used_at - ?1,
                     idle_expires_at = idle_expires_at - ?1, expires_at = expires_at - ?1",
                [millis],
            )
            .unwrap();
    }

    /// Moves the end of all codes and reset tokens into the past.
    pub(crate) fn lets_codes_expire(&self) {
        let database = Connection::open(self.database()).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        let expired = database.execute("UPDATE codes SET expires_at = 0", []).unwrap();
        assert!(expired > 0, "there is no code");
    }

    /// Moves the time step of the last accepted code of every app into the past, so that the
    /// current code is accepted.
    pub(crate) fn lets_the_app_show_a_new_code(&self) {
        let database = Connection::open(self.database()).unwrap();
        database.busy_timeout(Duration::from_secs(5)).unwrap();
        let apps = database.execute("UPDATE totp SET last_step = last_step - 10", []).unwrap();
        assert!(apps > 0, "there is no app");
    }

    async fn backdated(&self, token: &str, time: Duration) -> String {
        let store = SqliteStore::open(&self.database()).unwrap();
        let now = SystemClock.now();
        let keys = store.signing_keys().await.unwrap().keys;
        let keys = keys.into_iter().map(|key| SigningKey::from_seed(key.seed).unwrap()).collect();
        let port = self.server.address.rsplit_once(':').unwrap().1;
        let tokens = AccessTokens::new(format!("http://localhost:{port}"), LIFETIME, keys).unwrap();
        let claims = tokens.verify(token, now).unwrap();
        let issued_at = claims.issued_at - time;
        let policy = SessionPolicy::default();
        let new = OpenSession {
            user_id: claims.user,
            remember: false,
            amr: Amr::PASSWORD,
            policy: &policy,
        };
        let new = Session::open(new, issued_at, &SystemRandom);
        let session = Session { id: claims.session, ..new };
        let issued = tokens.issue(&NewAccessToken::new(&session), issued_at, &SystemRandom);
        issued.unwrap().token.as_str().to_owned()
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("latchkey.db")
    }
}
