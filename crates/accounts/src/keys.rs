use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use auth_core::{
    AccessTokens, Claims, DecoyPosition, DeviceKey, EmailKey, InvalidToken, JwkSet, KeyError,
    SigningKey, Timestamp,
};
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};
use user_store::{StoreError, StoredSigningKey, UserStore};

use crate::{Accounts, StartError};

/// The keys that tokens are signed and verified with, as the store was last seen to have
/// them. They change while the server runs: an operator makes a new one, or takes one back.
pub(crate) struct Keys {
    service: String,
    lifetime: Duration,
    /// Looked at by every request, and so without a lock.
    held: ArcSwap<Held>,
    /// Which read of the store they are from. Whoever replaces them has the lock.
    held_read: std::sync::Mutex<u64>,
    /// How many times the store has been asked for them.
    reads: AtomicU64,
    /// Who asks on account of a token, one after the other.
    inquiry: Mutex<Inquiry>,
}

struct Held {
    stored: Vec<StoredSigningKey>,
    tokens: Arc<AccessTokens>,
    devices: Arc<[DeviceKey]>,
}

#[derive(Default)]
struct Inquiry {
    /// When the next may be.
    next: Option<Instant>,
    /// The last read of the store that was not answered.
    failed: u64,
}

/// The least time between two looks in the store for keys that only tokens speak of: who
/// sends tokens of keys that never were makes no more work than this.
const PAUSE: Duration = Duration::from_secs(1);

impl Keys {
    pub(crate) async fn start(
        store: &dyn UserStore,
        service: &str,
        lifetime: Duration,
    ) -> Result<Self, StartError> {
        let stored = store.signing_keys().await?;
        Ok(Self {
            service: service.to_owned(),
            lifetime,
            held: ArcSwap::from_pointee(Held::of(service, lifetime, stored)?),
            held_read: std::sync::Mutex::default(),
            reads: AtomicU64::new(0),
            inquiry: Mutex::default(),
        })
    }

    /// The keys that are held.
    pub(crate) fn held(&self) -> Arc<AccessTokens> {
        Arc::clone(&self.held.load().tokens)
    }

    /// What a token says by the keys that are held; nothing if it names another.
    pub(crate) fn verify(
        &self,
        token: &str,
        now: Timestamp,
    ) -> Option<Result<Claims, InvalidToken>> {
        let held = self.held.load();
        match held.tokens.verify(token, now) {
            Err(_) if held.tokens.lacks_key_for(token) => None,
            verified => Some(verified),
        }
    }

    /// The keys that browsers are known by, the newest first.
    pub(crate) fn devices(&self) -> Arc<[DeviceKey]> {
        Arc::clone(&self.held.load().devices)
    }

    /// Whose hash an address without an account is compared with. By the oldest key: a new one
    /// changes nothing.
    pub(crate) fn decoy_position(&self, email: &EmailKey) -> DecoyPosition {
        let held = self.held.load();
        held.devices.last().map_or_else(DecoyPosition::default, |key| key.decoy_position(email))
    }

    /// The keys as the store has them now or, if it does not answer, those that are held.
    pub(crate) async fn newest(&self, store: &dyn UserStore) -> Arc<AccessTokens> {
        if let Err(error) = self.read(store).await {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(error, "the signing keys could not be read: those held go on serving");
        }
        self.held()
    }

    /// The keys as the store has them after this call, for a token that names none of those
    /// held. All who wait for it share one read, and who comes too soon after another waits.
    pub(crate) async fn refresh_for_unknown_kid(
        &self,
        store: &dyn UserStore,
    ) -> Result<Arc<AccessTokens>, StoreError> {
        let asked = self.reads.load(Ordering::SeqCst);
        let mut inquiry = self.inquiry.lock().await;
        if inquiry.failed > asked {
            return Err(StoreError::Unavailable("the signing keys could not be read".into()));
        }
        if self.read_held() <= asked {
            if let Some(next) = inquiry.next {
                sleep_until(next).await;
            }
            inquiry.next = Some(Instant::now() + PAUSE);
            if let Err(error) = self.read(store).await {
                inquiry.failed = self.reads.load(Ordering::SeqCst);
                return Err(error);
            }
        }
        Ok(self.held())
    }

    /// Takes up the keys that the store has. If it does not answer, or has what cannot be
    /// used, those that are held stay.
    async fn read(&self, store: &dyn UserStore) -> Result<(), StoreError> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let stored = store.signing_keys().await?;
        self.hold(read, stored).map_err(|error| StoreError::Defect(error.into()))
    }

    fn hold(&self, read: u64, stored: Vec<StoredSigningKey>) -> Result<(), KeyError> {
        let mut held_read = self.held_read.lock().unwrap_or_else(PoisonError::into_inner);
        if read < *held_read {
            // A later read was faster: what this one found may have been taken back since.
            return Ok(());
        }
        if stored != self.held.load().stored {
            let held = Held::of(&self.service, self.lifetime, stored)?;
            let kids: Vec<_> = held.tokens.jwks().keys.iter().map(|key| key.kid.as_str()).collect();
            tracing::info!(?kids, "the signing keys have changed: the first signs");
            self.held.store(Arc::new(held));
        }
        *held_read = read;
        Ok(())
    }

    fn read_held(&self) -> u64 {
        *self.held_read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn of(
        service: &str,
        lifetime: Duration,
        stored: Vec<StoredSigningKey>,
    ) -> Result<Self, KeyError> {
        let tokens = Arc::new(tokens(service, lifetime, &stored)?);
        Ok(Self { devices: devices(&stored), stored, tokens })
    }
}

fn devices(stored: &[StoredSigningKey]) -> Arc<[DeviceKey]> {
    stored.iter().map(|key| key.seed.device_key()).collect()
}

fn tokens(
    service: &str,
    lifetime: Duration,
    stored: &[StoredSigningKey],
) -> Result<AccessTokens, KeyError> {
    let keys = stored.iter().map(|key| SigningKey::from_seed(key.seed.clone()));
    AccessTokens::new(service, lifetime, keys.collect::<Result<_, _>>()?)
}

impl Accounts {
    /// The public keys that verify this service's access tokens, the one that signs first: as
    /// the store has them now, or had them when it last answered.
    pub async fn jwks(&self) -> JwkSet {
        self.keys.newest(&*self.store).await.jwks().clone()
    }

    /// Takes up the signing keys that the store has, which an operator may have changed.
    /// Whoever runs a server calls it every few seconds: until then, a key that was
    /// [retired](crate::Operator::retire_key) verifies.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store does not answer: the keys that are held go on serving.
    pub async fn reload_keys(&self) -> Result<(), StoreError> {
        self.keys.read(&*self.store).await
    }
}
