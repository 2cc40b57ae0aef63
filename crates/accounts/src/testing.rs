//! Helpers for the tests of an app. (Feature `testing`.)
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use accounts::Accounts;
//! use accounts::testing::{ManualClock, memory_store, sign_in_as};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let clock = Arc::new(ManualClock::default());
//! let accounts = Accounts::builder()
//!     .store(memory_store())
//!     .public_url("http://localhost:3000")
//!     .for_tests()
//!     .clock(clock.clone())
//!     .build()
//!     .await?;
//! let mut ada = sign_in_as(&accounts, "ada@example.com").await;
//! assert_eq!(accounts.authenticate(&ada.access_token()).await?.email(), "ada@example.com");
//!
//! clock.advance(Duration::from_mins(6));
//! assert!(accounts.authenticate(&ada.access_token()).await.is_err(), "the token has expired");
//! ada.refresh(&accounts).await?;
//! assert!(accounts.authenticate(&ada.access_token()).await.is_ok());
//!
//! clock.advance(Duration::from_mins(30));
//! assert!(ada.refresh(&accounts).await.is_err(), "the session has ended");
//! # Ok(())
//! # }
//! ```

use std::sync::Arc;

pub use auth_core::ManualClock;
use auth_core::{Amr, Email, PasswordHash};
use user_store::{Challenge, Credentials, Event, EventKind, OpenSessionOutcome, User};
#[cfg(feature = "sqlite")]
use user_store::{SqliteStore, Store};

use crate::accounts::Accounts;
use crate::caller::Caller;
#[cfg(feature = "http")]
use crate::http::Cookies;
use crate::mail::MailMode;
use crate::new_session::{SessionRequest, session_opened};
use crate::refresh::RefreshError;
use crate::sign_up::{NewAccount, SignUpError};
use crate::tokens::IssuedTokens;

/// The password of the users that [`sign_in_as`] creates.
pub const PASSWORD: &str = "a long walk along the sea";

/// A cheap hash of [`PASSWORD`].
const PASSWORD_HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$bGF0Y2hrZXkgdGVzdGluZw$OwolbfSlOhPpC/7pHkEMvznmZWaLKjUM63YlzMyOXqE";

/// A user who is signed in.
#[derive(Debug)]
pub struct TestSession {
    /// The account, as it was at the sign-in.
    pub user: User,
    /// The tokens of the session.
    pub tokens: IssuedTokens,
}

impl TestSession {
    /// Returns the value of the header `Authorization` for a request of this user.
    #[must_use]
    pub fn authorization(&self) -> String {
        format!("Bearer {}", self.access_token())
    }

    /// Returns the value of the header `Cookie` for a request of this user's browser, with the
    /// refresh token. (Feature `http`.)
    #[cfg(feature = "http")]
    #[must_use]
    pub fn cookie(&self, accounts: &Accounts) -> String {
        let header = Cookies::new(&accounts.config).set_refresh(&self.tokens.refresh).into_value();
        let text = String::from_utf8_lossy(header.as_bytes());
        text.split(';').next().unwrap_or_default().to_owned()
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> String {
        self.tokens.access.token.as_str().to_owned()
    }

    /// Returns the refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> String {
        self.tokens.refresh.token.to_text().to_string()
    }

    /// Refreshes the session, as the client does every few minutes: replaces both tokens.
    ///
    /// # Errors
    ///
    /// [`RefreshError::InvalidToken`] if the session has ended.
    pub async fn refresh(&mut self, accounts: &Accounts) -> Result<(), RefreshError> {
        let client = Caller::default().client;
        let refreshed = accounts.refresh(&self.tokens.refresh.token, &client).await?;
        let device = self.tokens.device.take();
        self.tokens = IssuedTokens { device, ..refreshed };
        Ok(())
    }
}

/// Returns a new store in memory. It is dropped with the last service that uses it. (Feature
/// `sqlite`.)
///
/// # Panics
///
/// Panics if SQLite fails.
#[cfg(feature = "sqlite")]
#[must_use]
#[expect(clippy::expect_used, reason = "a test helper fails the test")]
pub fn memory_store() -> Arc<dyn Store> {
    Arc::new(SqliteStore::in_memory().expect("the store in memory cannot be created"))
}

/// Opens a session of the user with this email address, without hashing a password. If there is no
/// such user, creates one with the password [`PASSWORD`], whose email address is not verified.
///
/// The events of a sign-up and of a sign-in are recorded. The throttle and
/// [`Builder::before_sign_up`](crate::Builder::before_sign_up) are skipped, and no mail is sent.
///
/// # Panics
///
/// Panics if the email address is not valid, if the account is disabled or its second factor is on,
/// or if the store fails.
#[expect(clippy::panic, reason = "a test helper fails the test")]
pub async fn sign_in_as(accounts: &Accounts, email: &str) -> TestSession {
    match try_sign_in(accounts, email).await {
        Ok(session) => session,
        Err(error) => panic!("cannot sign in as {email}: {error}"),
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn try_sign_in(accounts: &Accounts, email: &str) -> Result<TestSession, BoxError> {
    let email = Email::parse(email)?;
    let user = match accounts.store.user_by_email(email.key()).await? {
        Some(user) => user,
        None => sign_up(accounts, email).await?,
    };
    let position = accounts.decoy_key.position(user.email.key());
    let credentials = accounts.store.credentials(user.email.key(), &position).await?;
    let Challenge::Account(credentials) = credentials else {
        return Err("the account is disabled".into());
    };
    let Credentials { password_version, device_version, .. } = credentials;
    let (caller, now) = (Caller::default(), accounts.clock.now());
    let request = SessionRequest {
        user: user.id,
        remember: false,
        amr: Amr::PASSWORD,
        caller: &caller,
        replaces: None,
    };
    let (new, tokens) = accounts.new_session(&request, now).await?;
    let store = Arc::clone(&accounts.store);
    let open = async move {
        match store.open_session(&new, password_version, None).await? {
            OpenSessionOutcome::Opened { user, ended } => {
                session_opened(&new.session, &ended);
                Ok(user)
            }
            OpenSessionOutcome::CredentialsChanged => {
                Err(BoxError::from("the account has changed"))
            }
            OpenSessionOutcome::SecondFactorRequired => {
                Err("the second factor is on: use `sign_in` and `complete_sign_in`".into())
            }
        }
    };
    let user = accounts.tasks.run_to_completion(open).await?;
    let browser = accounts.browser(&user, device_version, &caller, now).await;
    let tokens = accounts.issue_first_tokens(tokens, &user, &browser).await?;
    Ok(TestSession { user, tokens })
}

async fn sign_up(accounts: &Accounts, email: Email) -> Result<User, SignUpError> {
    let event =
        Event::by_user(EventKind::AccountCreated, accounts.clock.now(), Caller::default().client);
    let hash = PasswordHash::from_stored(PASSWORD_HASH);
    let account = NewAccount { email, hash, event, mail: MailMode::Off, invitation: None };
    let (store, random) = (Arc::clone(&accounts.store), Arc::clone(&accounts.random));
    accounts.tasks.run_to_completion(async move { account.create(&*store, &*random).await }).await
}
