use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use auth_core::{
    AccessTokens, ChallengeError, ChallengePurpose, Claims, DeviceKey, DeviceToken, EmailKey,
    FactorKey, KeyError, KnownBrowser, PasskeyChallenge, Random, ScheduledKey, SigningKey, Ticket,
    Timestamp, signing_position,
};
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use tokio::time::{Instant, sleep_until};
use user_store::{KeySetVersion, SigningKeySet, Store, StoreError, StoredSigningKey};
use zeroize::Zeroizing;

use crate::error_chain::error_chain;

/// The keys that sign and verify tokens, as of the last read from the store. Operators can add and
/// retire keys while the server runs.
pub(crate) struct KeyRing {
    store: Arc<dyn Store>,
    issuer: String,
    token_lifetime: Duration,
    /// Every request reads this, so it has no lock.
    current: ArcSwap<Keys>,
    /// The number of the read that `current` comes from. Locked while `current` is replaced.
    current_read: Mutex<u64>,
    /// The number of reads from the store so far.
    reads: AtomicU64,
    /// Locked during a read that was caused by a different version of the keys in the store.
    /// Contains the number of the last such read that failed.
    reload: AsyncMutex<u64>,
    /// Locked during a read that a token of an unknown key has caused.
    latest_request: AsyncMutex<LatestRequest>,
    /// One permit for each request that may wait for such a read.
    waiting_requests: Semaphore,
}

/// A set of keys, as stored and in the forms derived from it.
pub(crate) struct Keys {
    stored: SigningKeySet,
    tokens: AccessTokens,
    /// Newest first.
    device_keys: Vec<DeviceKey>,
    /// Newest first.
    factor_keys: Vec<FactorKey>,
}

/// The outcome of verifying an access token with the current keys.
#[must_use]
pub(crate) enum TokenVerification {
    /// The token is valid according to the keys of this version.
    Valid(Claims, KeySetVersion),
    /// The token has a key id that is not among the current keys.
    UnknownKey,
    /// The token is not valid.
    Invalid,
}

/// An error from loading the keys for the first time.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyRingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// An error from reading the keys because a token has an unknown key id.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnknownKidError {
    /// [`MAX_WAITING_REQUESTS`] wait for a read already.
    #[error("too many requests wait for the signing keys to be read")]
    TooManyRequests,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The state of reads that tokens of unknown keys cause.
#[derive(Default)]
struct LatestRequest {
    /// When the store may be read again.
    next: Option<Instant>,
    /// The number of the last read that failed.
    failed_read: u64,
}

/// The minimum time between two reads that tokens of unknown keys cause. It limits the load from
/// invented tokens.
const MIN_READ_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum number of requests that wait for a read because of a token with an unknown key id.
/// Anybody can invent such tokens, and each request would wait for up to a second.
const MAX_WAITING_REQUESTS: usize = 64;

impl KeyRing {
    /// Loads the keys. The store must have at least one.
    pub(crate) async fn load(
        store: Arc<dyn Store>,
        issuer: &str,
        token_lifetime: Duration,
    ) -> Result<Self, KeyRingError> {
        let stored = store.signing_keys().await?;
        let keys = Keys::new(issuer, token_lifetime, stored)?;
        Ok(Self {
            store,
            issuer: issuer.to_owned(),
            token_lifetime,
            current: ArcSwap::from_pointee(keys),
            current_read: Mutex::default(),
            reads: AtomicU64::new(0),
            reload: AsyncMutex::default(),
            latest_request: AsyncMutex::default(),
            waiting_requests: Semaphore::new(MAX_WAITING_REQUESTS),
        })
    }

    /// Returns the keys as they were last read.
    pub(crate) fn current(&self) -> Arc<Keys> {
        self.current.load_full()
    }

    /// Reads the keys from the store and returns them. If that fails, returns the current ones.
    pub(crate) async fn newest(&self) -> Arc<Keys> {
        if let Err(error) = self.read().await {
            warn_of_failed_read(&error);
        }
        self.current()
    }

    /// Verifies an access token with the current keys.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> TokenVerification {
        let keys = self.current.load();
        match keys.tokens.verify(token, now) {
            Ok(claims) => TokenVerification::Valid(claims, keys.stored.version),
            Err(_) if keys.tokens.lacks_key_for(token) => TokenVerification::UnknownKey,
            Err(_) => TokenVerification::Invalid,
        }
    }

    /// Returns the keys. If the current ones do not have this version, reads them from the store
    /// first. Concurrent calls share one read, even if it fails.
    pub(crate) async fn with_version(
        &self,
        version: KeySetVersion,
    ) -> Result<Arc<Keys>, StoreError> {
        let keys = self.current();
        if keys.stored.version == version {
            return Ok(keys);
        }
        let reads_before = self.reads.load(Ordering::SeqCst);
        let mut failed_read = self.reload.lock().await;
        if *failed_read > reads_before {
            return Err(StoreError::Unavailable("the signing keys could not be read".into()));
        }
        if self.current.load().stored.version != version {
            let read = self.read().await;
            if read.is_err() {
                *failed_read = self.reads.load(Ordering::SeqCst);
            }
            read?;
        }
        Ok(self.current())
    }

    /// Reads the keys from the store because a token has an unknown key id. Concurrent calls share
    /// one read. There is at most one read per [`MIN_READ_INTERVAL`]; a call that comes too soon
    /// waits, unless [`MAX_WAITING_REQUESTS`] wait already.
    pub(crate) async fn refresh_for_unknown_kid(&self) -> Result<(), UnknownKidError> {
        let Ok(_permit) = self.waiting_requests.try_acquire() else {
            return Err(UnknownKidError::TooManyRequests);
        };
        let reads_before = self.reads.load(Ordering::SeqCst);
        let mut latest = self.latest_request.lock().await;
        if latest.failed_read > reads_before {
            let error = StoreError::Unavailable("the signing keys could not be read".into());
            return Err(error.into());
        }
        if self.current_read() > reads_before {
            return Ok(());
        }
        if let Some(next) = latest.next {
            sleep_until(next).await;
        }
        latest.next = Some(Instant::now() + MIN_READ_INTERVAL);
        let read = self.read().await;
        if read.is_err() {
            latest.failed_read = self.reads.load(Ordering::SeqCst);
        }
        Ok(read?)
    }

    /// Returns the browser that presents the device token, if the token was issued for this email
    /// address and has not expired. The caller must compare the browser with the account.
    ///
    /// If none of the current keys has issued the token, another server may have added one. Then
    /// the keys are read from the store first, but at most once per [`MIN_READ_INTERVAL`]. Neither
    /// the outcome nor the time depends on the account.
    pub(crate) async fn recognize_device(
        &self,
        email: &EmailKey,
        presented: &DeviceToken,
        now: Timestamp,
    ) -> Option<KnownBrowser> {
        if let Some(browser) = self.current().recognize_device(email, presented, now) {
            return Some(browser);
        }
        self.refresh_for_unknown_issuer().await;
        self.current().recognize_device(email, presented, now)
    }

    /// Returns the text of a ticket.
    pub(crate) async fn issue_ticket(
        &self,
        ticket: &Ticket,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, KeyError> {
        let keys = self.newest().await;
        Ok(keys.factor_key(now)?.issue_ticket(ticket))
    }

    /// Returns the ticket with this text, if one of the keys in the store has issued it and it has
    /// not expired. For keys that other servers have added, see
    /// [`recognize_device`](Self::recognize_device).
    pub(crate) async fn verify_ticket(&self, text: &str, now: Timestamp) -> Option<Ticket> {
        let verify = |keys: &Keys| keys.factor_keys.iter().find_map(|k| k.verify_ticket(text, now));
        match verify(&self.current()) {
            // The key may have been retired.
            Some(_) => verify(&*self.newest().await),
            None => {
                self.refresh_for_unknown_issuer().await;
                verify(&self.current())
            }
        }
    }

    /// Issues a challenge for passkeys.
    pub(crate) async fn issue_challenge(
        &self,
        purpose: &ChallengePurpose,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyError> {
        let keys = self.newest().await;
        Ok(keys.factor_key(now)?.issue_challenge(purpose, now, random).to_vec())
    }

    /// Returns the challenge with these bytes, if one of the keys in the store has issued it for
    /// this purpose and it has not expired. For keys that other servers have added, see
    /// [`recognize_device`](Self::recognize_device).
    pub(crate) async fn verify_challenge(
        &self,
        challenge: &[u8],
        purpose: &ChallengePurpose,
        now: Timestamp,
    ) -> Result<PasskeyChallenge, ChallengeError> {
        match self.current().verify_challenge(challenge, purpose, now) {
            // The key may have been retired.
            Ok(_) => self.newest().await.verify_challenge(challenge, purpose, now),
            Err(ChallengeError::Invalid) => {
                self.refresh_for_unknown_issuer().await;
                self.current().verify_challenge(challenge, purpose, now)
            }
            Err(ChallengeError::Expired) => Err(ChallengeError::Expired),
        }
    }

    /// Reads the keys from the store because none of them has issued a device token, a ticket or a
    /// challenge. If another request reads them, if tokens of unknown keys have caused a read
    /// within [`MIN_READ_INTERVAL`], or if the store fails, the current keys are kept. Sign-ins do
    /// not wait, because the device tokens of many browsers may be outdated.
    async fn refresh_for_unknown_issuer(&self) {
        let Ok(mut latest) = self.latest_request.try_lock() else { return };
        if latest.next.is_some_and(|next| Instant::now() < next) {
            return;
        }
        latest.next = Some(Instant::now() + MIN_READ_INTERVAL);
        if let Err(error) = self.read().await {
            latest.failed_read = self.reads.load(Ordering::SeqCst);
            warn_of_failed_read(&error);
        }
    }

    /// Replaces the current keys with those in the store. If the store fails, or its keys cannot be
    /// used, the current ones are kept.
    async fn read(&self) -> Result<(), StoreError> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let stored = self.store.signing_keys().await?;
        self.replace(read, stored).map_err(|error| StoreError::Defect(error.into()))
    }

    fn replace(&self, read: u64, stored: SigningKeySet) -> Result<(), KeyError> {
        let mut current_read = self.current_read.lock().unwrap_or_else(PoisonError::into_inner);
        if read < *current_read {
            // A later read finished first. The keys of this read may include retired ones.
            return Ok(());
        }
        if stored != self.current.load().stored {
            let keys = Keys::new(&self.issuer, self.token_lifetime, stored)?;
            let kids: Vec<_> = keys.tokens.jwks().keys.iter().map(|key| key.kid.as_str()).collect();
            tracing::info!(?kids, "the signing keys have changed; `kids` lists them, newest first");
            self.current.store(Arc::new(keys));
        }
        *current_read = read;
        Ok(())
    }

    fn current_read(&self) -> u64 {
        *self.current_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn new(
        issuer: &str,
        token_lifetime: Duration,
        stored: SigningKeySet,
    ) -> Result<Self, KeyError> {
        let scheduled = |stored: &StoredSigningKey| {
            let key = SigningKey::from_seed(stored.seed.clone())?;
            Ok::<_, KeyError>(ScheduledKey { key, signs_from: stored.signs_from })
        };
        let keys = stored.keys.iter().map(scheduled).collect::<Result<_, _>>()?;
        let tokens = AccessTokens::with_schedule(issuer, token_lifetime, keys)?;
        let device_keys = stored.keys.iter().map(|key| key.seed.device_key()).collect();
        let factor_keys = stored.keys.iter().map(|key| key.seed.factor_key()).collect();
        Ok(Self { stored, tokens, device_keys, factor_keys })
    }

    /// Returns the [`AccessTokens`], which issue and verify tokens and list the public keys.
    pub(crate) const fn tokens(&self) -> &AccessTokens {
        &self.tokens
    }

    /// Returns the key that issues device tokens. It is derived from the key that signs, which all
    /// servers know unless it was added in an emergency.
    pub(super) fn device_key(&self, now: Timestamp) -> Option<&DeviceKey> {
        let signs_from = self.stored.keys.iter().map(|key| key.signs_from);
        self.device_keys.get(signing_position(signs_from, now)?)
    }

    /// Returns the key that issues tickets and challenges. It is derived from the same key as that
    /// of [device tokens](Self::device_key).
    fn factor_key(&self, now: Timestamp) -> Result<&FactorKey, KeyError> {
        let signs_from = self.stored.keys.iter().map(|key| key.signs_from);
        let position = signing_position(signs_from, now).ok_or(KeyError::NoKeys)?;
        self.factor_keys.get(position).ok_or(KeyError::NoKeys)
    }

    fn verify_challenge(
        &self,
        challenge: &[u8],
        purpose: &ChallengePurpose,
        now: Timestamp,
    ) -> Result<PasskeyChallenge, ChallengeError> {
        let mut verified = Err(ChallengeError::Invalid);
        for key in &self.factor_keys {
            verified = key.verify_challenge(challenge, purpose, now);
            if verified != Err(ChallengeError::Invalid) {
                break;
            }
        }
        verified
    }

    /// Returns the browser that presents the device token, if the token was issued for this email
    /// address and has not expired. The caller must compare the browser with the account.
    pub(crate) fn recognize_device(
        &self,
        email: &EmailKey,
        presented: &DeviceToken,
        now: Timestamp,
    ) -> Option<KnownBrowser> {
        self.device_keys.iter().find_map(|key| key.verify(email, presented, now))
    }
}

fn warn_of_failed_read(error: &StoreError) {
    let error = error_chain(error);
    tracing::warn!(error, "could not read the signing keys: using the last known ones");
}
