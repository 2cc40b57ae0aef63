mod keys;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;

use super::{AccessTokenVerifier, Claims, InvalidToken, JwkSet};
use keys::{Fetch, Keys, Next};

/// Verifies access tokens that a Latchkey elsewhere has issued, by the key set that it publishes
/// at `/.well-known/jwks.json`. Fetching that is one function of the caller's; this type says
/// when, and needs no runtime.
///
/// - The keys are fetched when the first token comes, and again when they are
///   [five minutes](Self::FRESH_FOR) old: so long at most, a key that was retired goes on being
///   trusted.
/// - A token that names a key not among them has them fetched before that, as the issuer may just
///   have made it, but not within [ten seconds](Self::MIN_FETCH_INTERVAL) of the last time, whatever is
///   presented. What does not look like a token of the issuer's has nothing fetched.
/// - There is one fetch at a time. Whoever needs it waits for it, and nobody else does; if the
///   one who began it goes away, the next to come takes it on.
/// - If it fails, the keys that are held go on serving until they are [an hour](Self::STALE_AFTER) old.
///
/// The function should give up by itself after some seconds. Tokens are verified as
/// [`AccessTokenVerifier`] does it. **It does not see that a session has ended:** somebody who has
/// logged out is let in until the token expires, five minutes after it was issued unless the
/// issuer says otherwise. Where that is too long, ask the issuer (`GET /api/me`).
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
/// // With any client: async move { Ok(client.get(url).send().await?.text().await?) }
/// let verifier = Verifier::new("https://auth.example.com", "https://auth.example.com", move || {
///     fetch("https://auth.example.com/.well-known/jwks.json")
/// });
/// # futures_util::FutureExt::now_or_never(async {
/// let claims = verifier.verify(token, SystemClock.now()).await?;
/// println!("a request of {}", claims.user);
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

/// Why nobody is let in by a token.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// The token proves nothing: answer 401 (RFC 6750, 3.1).
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    /// There are no keys to verify it with, or they are too old: answer 503.
    #[error("the keys that verify access tokens cannot be fetched")]
    NoKeys(#[source] FetchError),
}

/// Why a key set was not fetched: what the function answered, or what is wrong with the document.
pub type FetchError = Arc<dyn Error + Send + Sync>;

impl Verifier {
    /// How old keys are before they are fetched again.
    pub const FRESH_FOR: Duration = Duration::from_mins(5);
    /// How old they may be if they cannot be fetched.
    pub const STALE_AFTER: Duration = Duration::from_hours(1);
    /// The least time between the beginnings of two fetches.
    pub const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);
    /// After how long a fetch that has not come to its end is given up for a new one.
    pub const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

    /// Takes tokens that name this issuer and this audience: the public URL of the Latchkey,
    /// for both. `fetch` answers the text of the key set.
    pub fn new<F, Fetched>(issuer: impl Into<String>, audience: impl Into<String>, fetch: F) -> Self
    where
        F: Fn() -> Fetched + Send + Sync + 'static,
        Fetched: Future<Output = Result<String, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let read = |fetched: Result<String, Box<dyn Error + Send + Sync>>| {
            let text = fetched.map_err(FetchError::from)?;
            JwkSet::parse(&text).map_err(|error| FetchError::from(Box::from(error)))
        };
        let fetch = Box::new(move || fetch().map(read).boxed().shared());
        Self { issuer: issuer.into(), audience: audience.into(), fetch, keys: Arc::default() }
    }

    /// Verifies a token at the moment `now`, and fetches keys if it has to.
    ///
    /// # Errors
    ///
    /// [`VerifyError::InvalidToken`] whatever is wrong with the token, and
    /// [`VerifyError::NoKeys`] if it could not be said.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, VerifyError> {
        let kid = AccessTokenVerifier::key_of(token).ok_or(InvalidToken)?;
        let next = self.keys().next(&kid, now, &*self.fetch);
        let verifier = match next {
            Next::Verify(verifier) => verifier,
            Next::Wait(fetch) => {
                let fetched = fetch.clone().await;
                self.keys().complete(&fetch, fetched, |keys| {
                    AccessTokenVerifier::new(&*self.issuer, &*self.audience, keys)
                });
                self.keys().current(now).map_err(VerifyError::NoKeys)?
            }
            Next::Fail(error) => return Err(VerifyError::NoKeys(error)),
        };
        Ok(verifier.verify(token, now)?)
    }

    fn keys(&self) -> std::sync::MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
