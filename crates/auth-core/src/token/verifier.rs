mod keys;

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{AccessTokenVerifier, Claims, InvalidToken, JwkSet};
use keys::{FetchId, Keys, NextStep, Step};

/// Verifies access tokens of a Latchkey service with the key set that the service publishes at
/// `/.well-known/jwks.json`.
///
/// The caller provides a function that fetches the key set in the background, and the `Verifier`
/// decides when to call it. It works with any async runtime, and with threads.
///
/// - The keys are fetched for the first token, and again for the first token after they are
///   [five minutes](Self::FRESH_FOR) old. Tokens with a known key do not wait for that fetch: they
///   are verified with the current keys.
/// - After a pause of [ten minutes](Self::WAIT_AFTER) without a fetch, a token waits for the next
///   one, so that a retired key is not trusted for longer than that while the issuer responds.
/// - If that fetch and later ones fail or stall, the current keys are used without waiting until
///   they are [an hour](Self::STALE_AFTER) old. After that, no token is accepted. An attacker who
///   has a retired key, and keeps the verifier from reaching the issuer, can use the key for that
///   long.
/// - A token that names an unknown key causes a fetch and waits for it, because the issuer may have
///   added that key since the last one. Other tokens do not wait. A string without the header of an
///   access token causes no fetch.
/// - A token waits for one fetch at most. A fetch that has not ended after
///   [30 seconds](Self::FETCH_TIMEOUT) is abandoned when the next token is verified, and the tokens
///   that wait for it are then verified with the current keys.
/// - Only one fetch runs at a time. There are at least [ten seconds](Self::MIN_FETCH_INTERVAL)
///   between the starts of two, even if every token names an unknown key. The interval doubles with
///   every failure, up to [one minute](Self::MAX_FETCH_INTERVAL).
///
/// Tokens are verified in the same way as by an [`AccessTokenVerifier`].
///
/// **A `Verifier` does not notice that a session has ended:** after a sign-out, the access token
/// can still be used until it expires, by default five minutes after it was issued. If that is too
/// long, ask the issuer (`GET /api/me`).
///
/// ```
/// use auth_core::{Amr, Clock, SystemClock, Verifier};
///
/// # #[cfg(feature = "token")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use auth_core::*;
/// # let issuer = "https://auth.example.com";
/// # let keys = vec![SigningKey::generate(&SystemRandom)];
/// # let tokens = AccessTokens::new(issuer, std::time::Duration::from_secs(300), keys)?;
/// # let document = serde_json::to_string(tokens.jwks())?;
/// # let now = SystemClock.now();
/// # let user_id = UserId::generate(now, &SystemRandom);
/// # let policy = SessionPolicy::default();
/// # let session = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy: &policy };
/// # let session = Session::open(session, now, &SystemRandom);
/// # let token = tokens.issue(&NewAccessToken::new(&session), now, &SystemRandom)?.token;
/// # let token = token.as_str();
/// # let get = move |_: &str| Ok::<_, std::io::Error>(document.clone());
/// let issuer = "https://auth.example.com";
/// let verifier = Verifier::new(issuer, issuer, move |fetch| {
///     let get = get.clone(); // an HTTP client with a timeout
///     // With tokio: tokio::spawn(async move { fetch.finish(get(…).await) });
///     std::thread::spawn(move || {
///         fetch.finish(get("https://auth.example.com/.well-known/jwks.json"));
///     });
/// })?;
/// # let verify = async {
/// let claims = verifier.verify(token, SystemClock.now()).await?;
/// println!("request from {}", claims.user);
/// # assert_eq!(claims.user, user_id);
/// # Ok::<(), VerifyError>(())
/// # };
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(verify)?;
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "token"))]
/// # fn main() {}
/// ```
pub struct Verifier {
    fetch: Box<dyn Fn(KeyFetch) + Send + Sync>,
    keys: Arc<Mutex<Keys>>,
}

/// An error from creating a [`Verifier`]: the issuer or the audience is not in the form that tokens
/// contain.
///
/// `Debug` prints the message, too, because Rust prints an error that `main` returns with `Debug`.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not the public URL of a Latchkey service in the form that its tokens contain: use an \
     origin in lower case, without a slash at the end, such as https://auth.example.com"
)]
pub struct InvalidIssuer(String);

/// A request to fetch the key set, which a [`Verifier`] passes to its fetching function.
///
/// If it is dropped without a call of [`finish`](Self::finish), the fetch has failed.
pub struct KeyFetch {
    keys: Arc<Mutex<Keys>>,
    id: FetchId,
}

/// An error from verifying a token with a [`Verifier`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// The token is not valid: respond with 401 (RFC 6750, 3.1).
    #[error(transparent)]
    InvalidToken(#[from] InvalidToken),
    /// The keys could not be fetched, and there are no earlier ones, they are too old, or they do
    /// not include the key that the token names: respond with 503.
    #[error("could not fetch the keys that verify access tokens")]
    NoKeys(#[source] FetchError),
}

/// An error from fetching a key set: the error that was passed to [`KeyFetch::finish`], a
/// [`KeyError`](super::KeyError) from parsing the key set, or an error because the fetch was
/// dropped or took too long.
pub type FetchError = Arc<dyn Error + Send + Sync>;

impl Verifier {
    /// The age at which keys are fetched again.
    pub const FRESH_FOR: Duration = JwkSet::MAX_AGE;
    /// If the last finished fetch, even a failed one, started at least this long ago, a token waits
    /// for the next fetch.
    pub const WAIT_AFTER: Duration = Duration::from_mins(10);
    /// The age from which keys are no longer used, even if fetching new ones fails.
    pub const STALE_AFTER: Duration = Duration::from_hours(1);
    /// The minimum time between the starts of two fetches.
    pub const MIN_FETCH_INTERVAL: Duration = Duration::from_secs(10);
    /// The maximum of the interval between fetches, which doubles with every failure.
    pub const MAX_FETCH_INTERVAL: Duration = Duration::from_mins(1);
    /// The time after which an unfinished fetch has failed and a new one may start.
    pub const FETCH_TIMEOUT: Duration = Duration::from_secs(30);

    /// Creates a verifier of tokens with this issuer and this audience. Both are the public URL of
    /// the Latchkey service, and compared exactly with those of a token (RFC 7519, 2).
    ///
    /// `fetch` starts to fetch the key set in the background, for example in a task or a thread,
    /// and returns without waiting for it. The background work calls [`KeyFetch::finish`]. It
    /// should have a timeout of a few seconds: the `Verifier` has no timer, so if a fetch never
    /// ends, the tokens that wait for it continue only when another token is verified.
    ///
    /// # Errors
    ///
    /// [`InvalidIssuer`] if the issuer or the audience is one that no token has, for example because
    /// it ends with a slash.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        fetch: impl Fn(KeyFetch) + Send + Sync + 'static,
    ) -> Result<Self, InvalidIssuer> {
        let (issuer, audience) = (issuer.into(), audience.into());
        if let Some(invalid) = [&issuer, &audience].into_iter().find(|url| !is_origin(url)) {
            return Err(InvalidIssuer(invalid.clone()));
        }
        let keys = Keys::new(issuer, audience);
        Ok(Self { fetch: Box::new(fetch), keys: Arc::new(Mutex::new(keys)) })
    }

    /// Verifies a token at the time `now`. If the key that it names is not available, waits until
    /// the keys have been fetched.
    ///
    /// # Errors
    ///
    /// [`VerifyError::InvalidToken`] if the token is not valid, and [`VerifyError::NoKeys`] if the
    /// keys to verify it with could not be fetched.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Claims, VerifyError> {
        let kid = AccessTokenVerifier::kid_of(token).ok_or(InvalidToken)?;
        let NextStep { step, start, abandoned } = lock(&self.keys).next_step(&kid, now);
        if let Some(id) = start {
            (self.fetch)(KeyFetch { keys: Arc::clone(&self.keys), id });
        }
        drop(abandoned);
        let verifier = match step {
            Step::Verify(verifier) => verifier,
            Step::Wait(ended) => {
                // An error means that the sender was dropped, which is how every fetch ends.
                let _ = ended.await;
                lock(&self.keys).usable(&kid, now).map_err(VerifyError::NoKeys)?
            }
            Step::Fail(error) => return Err(VerifyError::NoKeys(error)),
        };
        Ok(verifier.verify(token, now)?)
    }
}

impl KeyFetch {
    /// Ends the fetch with the text of the key set, or with an error. The [`Verifier`] uses the
    /// keys from now on, unless the fetch took longer than [`Verifier::FETCH_TIMEOUT`] and another
    /// one has started.
    pub fn finish<E>(self, fetched: Result<String, E>)
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let fetched = match fetched {
            Ok(text) => JwkSet::parse(&text).map_err(|error| FetchError::from(Box::from(error))),
            Err(error) => Err(FetchError::from(error.into())),
        };
        self.complete(fetched);
    }

    fn complete(&self, fetched: Result<JwkSet, FetchError>) {
        // The waiting callers are woken after the lock has been released.
        let waiters = lock(&self.keys).complete(self.id, fetched);
        drop(waiters);
    }
}

impl Drop for KeyFetch {
    fn drop(&mut self) {
        let error = FetchError::from(Box::from("the fetch ended without a result"));
        // After `finish`, this has no effect.
        self.complete(Err(error));
    }
}

/// Returns `true` if a text can be an origin in its normalised form, in which it is the issuer of
/// tokens.
fn is_origin(text: &str) -> bool {
    let Some((scheme @ ("https" | "http"), host)) = text.split_once("://") else { return false };
    let default_port = if scheme == "https" { ":443" } else { ":80" };
    let is_allowed = |byte: u8| {
        byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"/?#@\\".contains(&byte)
    };
    !host.is_empty() && !host.ends_with(default_port) && host.bytes().all(is_allowed)
}

fn lock(keys: &Mutex<Keys>) -> MutexGuard<'_, Keys> {
    keys.lock().unwrap_or_else(PoisonError::into_inner)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("issuer", &lock(&self.keys).issuer())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for InvalidIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for KeyFetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyFetch").field("id", &self.id).finish_non_exhaustive()
    }
}
