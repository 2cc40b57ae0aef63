mod keys;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::{AccessTokenVerifier, Claims, InvalidToken, JwkSet};
use keys::{Fetch, Keys, Step};

/// Verifies access tokens of a Latchkey service with the key set that the service publishes at
/// `/.well-known/jwks.json`.
///
/// The caller provides a function that fetches the key set, and the `Verifier` decides when to call
/// it. It works with any async runtime.
///
/// - The keys are fetched for the first token, and again when they are
///   [five minutes](Self::FRESH_FOR) old. Unless fetching fails, a retired key is trusted for at
///   most that long.
/// - The keys are fetched earlier for a token that names an unknown key, because the issuer may
///   have added that key since the last fetch. There are at least
///   [ten seconds](Self::MIN_FETCH_INTERVAL) between two fetches, even if every token names an
///   unknown key. A string without the header of an access token causes no fetch.
/// - Only one fetch runs at a time, and only the calls that need it wait for it. If the call that
///   started the fetch is cancelled (its future is dropped), the next call that needs the keys
///   continues that fetch.
/// - If a fetch fails, the current keys are used until they are [an hour](Self::STALE_AFTER) old.
///
/// The fetching function should have a timeout of a few seconds. Tokens are verified in the same
/// way as by an [`AccessTokenVerifier`].
///
/// **A `Verifier` does not notice that a session has ended:** after a sign-out, the access token
/// can still be used until it expires, by default five minutes after it was issued. If that is too
/// long, ask the issuer (`GET /api/me`).
///
/// ```
/// use auth_core::{Clock, SystemClock, Verifier};
///
/// # #[cfg(feature = "token")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use auth_core::*;
/// # let issuer = "https://auth.example.com";
/// # let keys = vec![SigningKey::generate(&SystemRandom)];
/// # let tokens = AccessTokens::new(issuer, std::time::Duration::from_secs(300), keys)?;
/// # let document = serde_json::to_string(tokens.jwks())?;
/// # let now = SystemClock.now();
/// # let user = UserId::generate(now, &SystemRandom);
/// # let session = SessionId::generate(now, &SystemRandom);
/// # let end = now + std::time::Duration::from_secs(3600);
/// # let token = tokens.issue(user, session, now, end, &SystemRandom)?.token;
/// # let token = token.as_str();
/// # let fetch = move |_| std::future::ready(Ok(document.clone()));
/// // With an HTTP client: async move { Ok(client.get(url).send().await?.text().await?) }
/// let verifier = Verifier::new("https://auth.example.com", "https://auth.example.com", move || {
///     fetch("https://auth.example.com/.well-known/jwks.json")
/// });
/// # futures_util::FutureExt::now_or_never(async {
/// let claims = verifier.verify(token, SystemClock.now()).await?;
/// println!("request from {}", claims.user);
/// # assert_eq!(claims.user, user);
/// # Ok::<(), VerifyError>(())
/// # }).unwrap()?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "token"))]
/// # fn main() {}
/// ```
pub struct Verifier {
    issuer: String,
    audience: String,
    fetch: Box<dyn Fn() -> Fetch + Send + Sync>,
    keys: Arc<Mutex<Keys>>,
}

/// An error from verifying a token with a [`Verifier`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// The token is not valid: respond with 401 (RFC 6750, 3.1).
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    /// The keys could not be fetched, and there are no earlier ones or they are too old: respond
    /// with 503.
    #[error("could not fetch the keys that verify access tokens")]
    NoKeys(#[source] FetchError),
}

/// An error from fetching a key set: either the error that the fetching function returned, or a
/// [`KeyError`](super::KeyError) from parsing the key set.
pub type FetchError = Arc<dyn Error + Send + Sync>;

impl Verifier {
    /// The age at which keys are fetched again.
    pub const FRESH_FOR: Duration = Duration::from_mins(5);
    /// The age from which keys are no longer used, even if fetching new ones fails.
    pub const STALE_AFTER: Duration = Duration::from_hours(1);
    /// The minimum time between the starts of two fetches.
    pub const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);
    /// The time after which an unfinished fetch is abandoned and a new one may start.
    pub const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

    /// Creates a verifier of tokens with this issuer and this audience. Both are the public URL of
    /// the Latchkey service. `fetch` returns the text of the key set.
    pub fn new<F, Fetched>(issuer: impl Into<String>, audience: impl Into<String>, fetch: F) -> Self
    where
        F: Fn() -> Fetched + Send + Sync + 'static,
        Fetched: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let parse = |fetched: Result<String, Box<dyn Error + Send + Sync>>| {
            let text = fetched.map_err(FetchError::from)?;
            JwkSet::parse(&text).map_err(|error| FetchError::from(Box::from(error)))
        };
        let fetch = Box::new(move || fetch().map(parse).boxed().shared());
        Self { issuer: issuer.into(), audience: audience.into(), fetch, keys: Arc::default() }
    }

    /// Verifies a token at the time `now`, and fetches the keys first if necessary.
    ///
    /// # Errors
    ///
    /// [`VerifyError::InvalidToken`] if the token is not valid, and [`VerifyError::NoKeys`] if
    /// there are no keys to verify it with.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, VerifyError> {
        let kid = AccessTokenVerifier::kid_of(token).ok_or(InvalidToken)?;
        let step = self.lock_keys().next_step(&kid, now, &*self.fetch);
        let verifier = match step {
            Step::Verify(verifier) => verifier,
            Step::Wait(fetch) => {
                let fetched = fetch.clone().await;
                self.lock_keys().complete(&fetch, fetched, |keys| {
                    AccessTokenVerifier::new(&*self.issuer, &*self.audience, keys)
                });
                self.lock_keys().current(now).map_err(VerifyError::NoKeys)?
            }
            Step::Fail(error) => return Err(VerifyError::NoKeys(error)),
        };
        Ok(verifier.verify(token, now)?)
    }

    fn lock_keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
