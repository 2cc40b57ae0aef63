use std::time::Duration;

use auth_core::{
    AccessTokens, Amr, NewAccessToken, OpenSession, Session, SessionId, SessionPolicy, SigningKey,
    SystemRandom, Timestamp, UserId,
};
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

pub(super) const SERVICE: &str = "https://auth.example.com";
pub(super) const LIFETIME: Duration = Duration::from_secs(300);

/// A service whose key is known, so that tests can sign tokens that the service would not issue.
pub(super) struct Service {
    pub(super) tokens: AccessTokens,
    pair: Ed25519KeyPair,
    pub(super) kid: String,
    pub(super) now: Timestamp,
    pub(super) user: UserId,
    pub(super) session: SessionId,
}

impl Service {
    pub(super) fn new() -> Self {
        let key = SigningKey::generate(&SystemRandom);
        let pair = Ed25519KeyPair::from_seed_unchecked(key.seed().to_bytes().as_ref()).unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        Self {
            kid: key.kid().to_owned(),
            tokens: AccessTokens::new(SERVICE, LIFETIME, vec![key]).unwrap(),
            pair,
            now,
            user: UserId::generate(now, &SystemRandom),
            session: SessionId::generate(now, &SystemRandom),
        }
    }

    pub(super) fn issue(&self) -> String {
        self.issue_until(self.now + LIFETIME * 10).0
    }

    pub(super) fn issue_until(&self, session_end: Timestamp) -> (String, Duration) {
        let session = self.session_until(session_end);
        let issued =
            self.tokens.issue(&NewAccessToken::new(&session), self.now, &SystemRandom).unwrap();
        (issued.token.as_str().to_owned(), issued.expires_in)
    }

    /// Returns the session of the service's tokens, with this end.
    pub(super) fn session_until(&self, end: Timestamp) -> Session {
        let policy = SessionPolicy::default();
        let new = OpenSession {
            user_id: self.user,
            remember: false,
            amr: Amr::PASSWORD,
            policy: &policy,
        };
        let new = Session::open(new, self.now, &SystemRandom);
        Session { id: self.session, idle_expires_at: end, ..new }
    }

    /// Returns the header and the claims of a token that the service issues.
    pub(super) fn parts(&self) -> (Value, Value) {
        let token = self.issue();
        let mut parts = token
            .split('.')
            .map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).ok());
        (parts.next().flatten().unwrap(), parts.next().flatten().unwrap())
    }

    pub(super) fn public_key(&self) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(&self.tokens.jwks().keys[0].x).unwrap()
    }

    pub(super) fn jwk(&self) -> Value {
        serde_json::to_value(self.tokens.jwks().keys[0].clone()).unwrap()
    }

    pub(super) fn sign(&self, header: &str, claims: &str) -> String {
        signed(header, claims, |message| self.pair.sign(message).as_ref().to_vec())
    }

    /// Signs a header and claims that are already encoded.
    pub(super) fn sign_raw(&self, message: &str) -> String {
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(self.pair.sign(message.as_bytes())))
    }

    /// Returns a token with changed parts and a valid signature.
    pub(super) fn forge(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = self.parts();
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }

    pub(super) fn with_header(&self, name: &str, value: Value) -> String {
        self.forge(|header, _| header[name] = value)
    }

    pub(super) fn with_claim(&self, name: &str, value: Value) -> String {
        self.forge(|_, claims| claims[name] = value)
    }

    pub(super) fn accepts(&self, token: &str) -> bool {
        self.tokens.verify(token, self.now).is_ok()
    }

    /// Asserts that each of these named tokens is rejected.
    #[track_caller]
    pub(super) fn assert_rejects<N: ToString>(
        &self,
        attacks: impl IntoIterator<Item = (N, String)>,
    ) {
        assert!(self.accepts(&self.forge(|_, _| {})), "an unchanged token is accepted");
        let accepted: Vec<_> = attacks
            .into_iter()
            .filter(|(_, token)| self.accepts(token))
            .map(|(name, _)| name.to_string())
            .collect();
        assert_eq!(accepted, Vec::<String>::new(), "these attacks succeed");
    }
}

/// Returns a token with these parts and the signature that `sign` returns.
pub(super) fn signed(header: &str, claims: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(message.as_bytes()));
    format!("{message}.{signature}")
}

/// Returns an object as JSON, with an additional member inserted at the front.
pub(super) fn with_member(object: &Value, name: &str, value: &Value) -> String {
    format!("{{\"{name}\":{value},{}", &object.to_string()[1..])
}

/// Removes a member from an object.
pub(super) fn remove(object: &mut Value, name: &str) {
    object.as_object_mut().unwrap().remove(name).unwrap();
}
