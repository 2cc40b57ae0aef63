//! Measures issuing and verifying access tokens: `cargo bench --package auth-core`.

#![expect(clippy::unwrap_used, reason = "a failed benchmark panics")]

use std::time::Duration;

use auth_core::{
    AccessTokenVerifier, AccessTokens, Amr, Clock as _, JwkSet, NewAccessToken, OpenSession,
    Session, SessionPolicy, SigningKey, SystemClock, SystemRandom, Timestamp, UserId,
};
use divan::Bencher;

const SERVICE: &str = "https://auth.example.com";

fn main() {
    divan::main();
}

/// A service that issues tokens.
struct Issuer {
    tokens: AccessTokens,
    session: Session,
    now: Timestamp,
}

impl Issuer {
    fn new() -> Self {
        let now = SystemClock.now();
        let keys = vec![SigningKey::generate(&SystemRandom)];
        let policy = SessionPolicy::default();
        let user_id = UserId::generate(now, &SystemRandom);
        let session = OpenSession { user_id, remember: false, amr: Amr::PASSWORD, policy: &policy };
        Self {
            tokens: AccessTokens::new(SERVICE, Duration::from_mins(5), keys).unwrap(),
            session: Session::open(session, now, &SystemRandom),
            now,
        }
    }

    fn issue(&self) -> String {
        let issued =
            self.tokens.issue(&NewAccessToken::new(&self.session), self.now, &SystemRandom);
        issued.unwrap().token.as_str().to_owned()
    }

    fn verifier(&self) -> AccessTokenVerifier {
        let keys: &JwkSet = self.tokens.jwks();
        AccessTokenVerifier::new(SERVICE, SERVICE, keys).unwrap()
    }
}

#[divan::bench]
fn issue(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    bencher.bench(|| issuer.issue());
}

#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    let verifier = issuer.verifier();
    let verify = |token: String| verifier.verify(&token, issuer.now).unwrap();
    bencher.with_inputs(|| issuer.issue()).bench_values(verify);
}

#[divan::bench]
fn verify_cached(bencher: Bencher<'_, '_>) {
    let issuer = Issuer::new();
    let (verifier, token) = (issuer.verifier(), issuer.issue());
    bencher.bench(|| verifier.verify(&token, issuer.now).unwrap());
}
