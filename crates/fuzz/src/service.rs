use std::sync::LazyLock;
use std::time::Duration;

use auth_core::{
    AccessTokens, Amr, NewAccessToken, OpenSession, Random, Session, SessionPolicy, SigningKey,
    SigningKeySeed, Timestamp, UserId,
};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

pub(crate) const NAME: &str = "https://auth.example.com";
pub(crate) const NOW: i64 = 1_700_000_000;

const SEED: [u8; 32] = [7; 32];

/// A service that is the same in every run, so that results are reproducible.
pub(crate) struct Service {
    pub(crate) tokens: AccessTokens,
    pub(crate) now: Timestamp,
    pub(crate) kid: String,
    /// A token that the service has issued.
    pub(crate) issued: String,
    pair: Ed25519KeyPair,
}

pub(crate) static SERVICE: LazyLock<Service> = LazyLock::new(Service::new);

pub(crate) struct FixedBytes;

impl Random for FixedBytes {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5a);
    }
}

impl Service {
    #[expect(clippy::expect_used, reason = "the values are constants")]
    fn new() -> Self {
        let seed = SigningKeySeed::from_bytes(&SEED).expect("32 bytes");
        let key = SigningKey::from_seed(seed).expect("any 32 bytes are a valid seed");
        let kid = key.kid().to_owned();
        let lifetime = Duration::from_mins(5);
        let tokens = AccessTokens::new(NAME, lifetime, vec![key]).expect("a key");
        let now = Timestamp::from_second(NOW).expect("a time");
        let user = UserId::generate(now, &FixedBytes);
        let policy = SessionPolicy::default();
        let session =
            OpenSession { user_id: user, remember: false, amr: Amr::PASSWORD, policy: &policy };
        let session = Session::open(session, now, &FixedBytes);
        let issued =
            tokens.issue(&NewAccessToken::new(&session), now, &FixedBytes).expect("a token");
        Self {
            issued: issued.token.as_str().to_owned(),
            pair: Ed25519KeyPair::from_seed_unchecked(&SEED)
                .expect("any 32 bytes are a valid seed"),
            tokens,
            now,
            kid,
        }
    }

    /// Returns a token with these parts and a valid signature.
    pub(crate) fn sign(&self, header: &[u8], claims: &[u8]) -> String {
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}
