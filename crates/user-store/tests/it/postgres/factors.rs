//! Steps with second factors and passkeys.

use auth_core::{
    Amr, ClientInfo, CredentialId, MailId, OpenSession, PasskeyChallenge, PasskeyId, PasskeyName,
    PasskeyPublicKey, PasskeyState, Random as _, RecoveryCode, RecoveryCodeHash, RefreshToken,
    Session, SessionPolicy, SingleUseId, SystemRandom, Ticket, Timestamp, UserId,
    VerifiedAssertion,
};
use user_store::{
    CodeThrottle, Credentials, NewPasskey, NewSession, Passkey, PasskeySignIn, PasskeyUse,
    PresentedFactor, SecondStep,
};

/// The state of a passkey whose authenticator does not count.
const STATE: PasskeyState = PasskeyState { sign_count: 0, backup_eligible: true, backed_up: false };

/// The base point of Ed25519 as a COSE key (RFC 9052, 7).
fn public_key() -> PasskeyPublicKey {
    let start = [0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20, 0x58];
    PasskeyPublicKey::from_cose(&[start.as_slice(), &[0x66; 31]].concat()).unwrap()
}

pub(super) fn random_credential() -> CredentialId {
    let mut bytes = [0; 32];
    SystemRandom.fill(&mut bytes);
    CredentialId::from_bytes(&bytes).unwrap()
}

pub(super) fn passkey(user: UserId, credential_id: CredentialId, now: Timestamp) -> Passkey {
    Passkey {
        id: PasskeyId::generate(now, &SystemRandom),
        user,
        credential_id,
        public_key: public_key(),
        state: STATE,
        name: PasskeyName::parse("Browser").unwrap(),
        created_at: now,
        last_used_at: None,
    }
}

pub(super) fn new_passkey(passkey: Passkey) -> NewPasskey {
    let (challenge, notice) = (challenge(passkey.created_at), mail(passkey.created_at));
    NewPasskey { passkey, challenge, notice }
}

pub(super) fn use_of(passkey: PasskeyId, now: Timestamp) -> PasskeyUse {
    let assertion = VerifiedAssertion { state: STATE };
    PasskeyUse { id: passkey, challenge: challenge(now), assertion }
}

fn challenge(now: Timestamp) -> PasskeyChallenge {
    let id = SingleUseId::generate(&SystemRandom);
    PasskeyChallenge { id, expires_at: now + PasskeyChallenge::LIFETIME }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a parameter of the methods")]
fn mail(now: Timestamp) -> Option<MailId> {
    Some(MailId::generate(now, &SystemRandom))
}

pub(super) fn recovery_codes() -> Vec<RecoveryCodeHash> {
    RecoveryCode::generate_list(&SystemRandom).iter().map(RecoveryCode::hash).collect()
}

pub(super) fn passkey_sign_in(user: UserId, passkey: PasskeyUse, now: Timestamp) -> PasskeySignIn {
    let (session, _) = new_session(user, Amr::PASSKEY, now);
    PasskeySignIn { passkey, session, notice: mail(now) }
}

/// Builds the second step after a first step with a password. Returns `None` if the second factor of
/// the account is off.
pub(super) fn second_step(
    found: &Credentials,
    factor: PresentedFactor,
    now: Timestamp,
) -> Option<(SecondStep, RefreshToken)> {
    let ticket = Ticket {
        id: SingleUseId::generate(&SystemRandom),
        user: found.user_id,
        first_step: Amr::PASSWORD,
        remember: false,
        password_version: found.password_version.0,
        device_version: found.device_version.0,
        second_factor_at: found.second_factor_at?,
        expires_at: now + Ticket::LIFETIME,
    };
    let second = match factor {
        PresentedFactor::Passkey(_) => Amr::PASSKEY_AS_SECOND_FACTOR,
        PresentedFactor::AppCode(_) | PresentedFactor::RecoveryCode(_) => Amr::CODE,
    };
    let amr = Amr::PASSWORD.with_second_factor(second);
    let (session, token) = new_session(found.user_id, amr, now);
    let throttle = CodeThrottle::Enforced;
    Some((SecondStep { ticket, factor, session, throttle, notice: mail(now) }, token))
}

fn new_session(user_id: UserId, amr: Amr, now: Timestamp) -> (NewSession, RefreshToken) {
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id, remember: false, amr, policy };
    let session = Session::open(open, now, &SystemRandom);
    let token = RefreshToken::generate(&SystemRandom);
    (NewSession::new(session, ClientInfo::default(), &token), token)
}
