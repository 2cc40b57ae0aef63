//! Functions shared by the cases about second factors and passkeys.

use std::time::Duration;

use auth_core::{
    Amr, CredentialId, OpenSession, PasskeyChallenge, PasskeyId, PasskeyName, PasskeyPublicKey,
    PasskeyState, RecoveryCode, RecoveryCodeHash, RefreshToken, Session, SessionPolicy,
    SingleUseId, SystemRandom, Ticket, Timestamp, TotpCode, TotpSecret, UserId, VerifiedAssertion,
};

use crate::audit::{Event, EventKind};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, client, current_credentials, kinds_of_mails, mail_id, open,
    sign_up_verified,
};
use crate::factors::{
    AddPasskeyOutcome, BeginTotpOutcome, CodeThrottle, ConfirmTotp, ConfirmTotpOutcome, Factors,
    NewPasskey, Passkey, PasskeySignIn, PasskeySignInOutcome, PasskeyUse, PresentedFactor,
    SecondStep, SecondStepOutcome, TurnOffOutcome, TurnOnOutcome,
};
use crate::mails::NOTICE_LIFETIME;
use crate::sessions::NewSession;
use crate::users::User;

/// The length of a time step.
pub(super) const STEP: Duration = Duration::from_secs(30);

/// The time within which an app has to be confirmed.
pub(super) const SETUP_TIME: Duration = Duration::from_mins(15);

/// The state of a passkey whose authenticator does not count.
pub(super) const SYNCED: PasskeyState =
    PasskeyState { sign_count: 0, backup_eligible: true, backed_up: true };

/// The public key of RFC 8032, 7.1, test 1, as a COSE key.
const ED25519_KEY: &[u8] = b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20\
    \xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
    \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";

/// Signs up a user whose email address is verified, and opens a session.
pub(super) async fn sign_in_verified(store: &Server, email: &str) -> (User, Session) {
    let user = sign_up_verified(store, email).await;
    let (session, _) = open(store, &user).await;
    (user, session)
}

pub(super) async fn stored(store: &Server, user: &User) -> User {
    store.user(user.id).await.unwrap().unwrap()
}

pub(super) fn recovery_codes() -> Vec<RecoveryCodeHash> {
    RecoveryCode::generate_list(&SystemRandom).iter().map(RecoveryCode::hash).collect()
}

/// An app that is in use, and the recovery codes that were stored with it.
pub(super) struct App {
    pub(super) secret: TotpSecret,
    pub(super) recovery_codes: Vec<RecoveryCodeHash>,
}

impl App {
    /// Returns the code of the step after the one that confirmed the app. It is right at [`NOW`].
    pub(super) fn code(&self) -> TotpCode {
        self.secret.code_at(NOW + STEP)
    }

    /// Returns a code that is wrong at [`NOW`].
    pub(super) fn wrong_code(&self) -> TotpCode {
        wrong_code(&self.secret)
    }
}

/// Returns a code that is wrong at [`NOW`], and for an hour after.
pub(super) fn wrong_code(secret: &TotpSecret) -> TotpCode {
    let right: Vec<_> = (0..124).map(|n| secret.code_at(NOW - 2 * STEP + n * STEP)).collect();
    let mut codes = (0..).map(|n| TotpCode::parse(&format!("{n:06}")).unwrap());
    codes.find(|code| !right.contains(code)).unwrap()
}

pub(super) async fn begin_totp(store: &Server, session: &Session) -> TotpSecret {
    let secret = TotpSecret::generate(&SystemRandom);
    let begun = store.begin_totp(&acting(session), &secret, NOW + SETUP_TIME, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);
    secret
}

pub(super) fn confirmation(code: TotpCode) -> ConfirmTotp {
    ConfirmTotp {
        code,
        recovery_codes: recovery_codes(),
        throttle: CodeThrottle::Enforced,
        notice: Some(mail_id()),
    }
}

/// Confirms the app that is being set up, at [`NOW`].
pub(super) async fn confirm(
    store: &Server,
    session: &Session,
    code: TotpCode,
) -> ConfirmTotpOutcome {
    store.confirm_totp(&acting(session), &confirmation(code), NOW).await.unwrap()
}

/// Turns the second factor on with an app.
pub(super) async fn turn_on_with_app(store: &Server, session: &Session) -> App {
    let secret = begin_totp(store, session).await;
    let confirmation = confirmation(secret.code_at(NOW));
    let confirmed = store.confirm_totp(&acting(session), &confirmation, NOW).await.unwrap();
    assert_eq!(confirmed, ConfirmTotpOutcome::TurnedOn);
    App { secret, recovery_codes: confirmation.recovery_codes }
}

/// Signs up a user who turns the second factor on with an app.
pub(super) async fn sign_up_with_app(store: &Server, email: &str) -> (User, Session, App) {
    let (user, session) = sign_in_verified(store, email).await;
    let app = turn_on_with_app(store, &session).await;
    (stored(store, &user).await, session, app)
}

pub(super) async fn turn_on(store: &Server, session: &Session) -> TurnOnOutcome {
    let notice = Some(mail_id());
    let codes = recovery_codes();
    store.turn_second_factor_on(&acting(session), &codes, notice, NOW).await.unwrap()
}

pub(super) fn challenge() -> PasskeyChallenge {
    let id = SingleUseId::generate(&SystemRandom);
    PasskeyChallenge { id, expires_at: NOW + PasskeyChallenge::LIFETIME }
}

pub(super) fn new_passkey(user: UserId) -> NewPasskey {
    let id = PasskeyId::generate(NOW, &SystemRandom);
    let passkey = Passkey {
        id,
        user,
        credential_id: CredentialId::from_bytes(id.as_uuid().as_bytes()).unwrap(),
        public_key: PasskeyPublicKey::from_cose(ED25519_KEY).unwrap(),
        state: SYNCED,
        name: PasskeyName::parse("Schlüssel").unwrap(),
        created_at: NOW,
        last_used_at: None,
    };
    NewPasskey { passkey, challenge: challenge(), notice: Some(mail_id()) }
}

pub(super) async fn add(store: &Server, session: &Session, new: &NewPasskey) -> AddPasskeyOutcome {
    store.add_passkey(&acting(session), new, NOW).await.unwrap()
}

pub(super) async fn add_passkey(store: &Server, session: &Session) -> Passkey {
    let new = new_passkey(session.user_id);
    assert_eq!(add(store, session, &new).await, AddPasskeyOutcome::Added);
    new.passkey
}

/// Returns the use of a passkey, with a new challenge.
pub(super) fn passkey_use(passkey: &Passkey) -> PasskeyUse {
    let assertion = VerifiedAssertion { state: passkey.state };
    PasskeyUse { id: passkey.id, challenge: challenge(), assertion }
}

/// Returns a sign-in with a passkey alone.
pub(super) fn passkey_sign_in(passkey: &Passkey) -> PasskeySignIn {
    PasskeySignIn {
        passkey: passkey_use(passkey),
        session: session_with(passkey.user, Amr::PASSKEY, NOW),
        notice: Some(mail_id()),
    }
}

pub(super) async fn sign_in_with_passkey(
    store: &Server,
    sign_in: &PasskeySignIn,
) -> PasskeySignInOutcome {
    store.open_session_with_passkey(sign_in).await.unwrap()
}

/// Opens sessions with a passkey alone until the user, who has one session, has all but `left` of
/// the maximum number of sessions. Each one was used later than the one before. Returns the first
/// two.
pub(super) async fn open_sessions_except(
    store: &Server,
    passkey: &Passkey,
    left: u32,
) -> [Session; 2] {
    let mut opened = Vec::new();
    for n in 1..NewSession::MAX_PER_USER - left {
        let mut sign_in = passkey_sign_in(passkey);
        sign_in.session.session.last_used_at = NOW - SECOND + n * Duration::from_millis(1);
        let outcome = sign_in_with_passkey(store, &sign_in).await;
        let PasskeySignInOutcome::Opened(session) = outcome else {
            unreachable!("{outcome:?}");
        };
        assert!(session.ended.is_empty());
        opened.push(sign_in.session.session);
    }
    [opened[0], opened[1]]
}

/// Builds a session that is not open yet, of a sign-in with these methods.
pub(super) fn session_with(user_id: UserId, amr: Amr, now: Timestamp) -> NewSession {
    let token = RefreshToken::generate(&SystemRandom);
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id, remember: false, amr, policy };
    NewSession::new(Session::open(open, now, &SystemRandom), client(), &token)
}

/// Returns a ticket for a user whose second factor is on.
pub(super) async fn ticket(store: &Server, user: &User) -> Ticket {
    let credentials = current_credentials(store, user).await;
    Ticket {
        id: SingleUseId::generate(&SystemRandom),
        user: user.id,
        first_step: Amr::PASSWORD,
        remember: false,
        password_version: credentials.password_version.0,
        device_version: credentials.device_version.0,
        second_factor_at: credentials.second_factor_at.unwrap(),
        expires_at: NOW + Ticket::LIFETIME,
    }
}

/// Builds the second step of a sign-in at [`NOW`].
pub(super) fn second_step(ticket: Ticket, factor: PresentedFactor) -> SecondStep {
    second_step_at(ticket, factor, NOW)
}

pub(super) fn second_step_at(
    ticket: Ticket,
    factor: PresentedFactor,
    now: Timestamp,
) -> SecondStep {
    let second = match factor {
        PresentedFactor::AppCode(_) | PresentedFactor::RecoveryCode(_) => Amr::CODE,
        PresentedFactor::Passkey(_) => Amr::PASSKEY_AS_SECOND_FACTOR,
    };
    let session = session_with(ticket.user, ticket.first_step.with_second_factor(second), now);
    let throttle = CodeThrottle::Enforced;
    SecondStep { ticket, factor, session, throttle, notice: Some(mail_id()) }
}

pub(super) async fn take(store: &Server, step: &SecondStep) -> SecondStepOutcome {
    store.open_session_with_second_factor(step).await.unwrap()
}

/// Takes the second step with a new ticket.
pub(super) async fn present(
    store: &Server,
    user: &User,
    factor: PresentedFactor,
) -> SecondStepOutcome {
    take(store, &second_step(ticket(store, user).await, factor)).await
}

pub(super) async fn enter_code(store: &Server, user: &User, code: TotpCode) -> SecondStepOutcome {
    present(store, user, PresentedFactor::AppCode(code)).await
}

pub(super) fn is_opened(outcome: &SecondStepOutcome) -> bool {
    matches!(outcome, SecondStepOutcome::Opened(_))
}

pub(super) async fn turn_off(store: &Server, session: &Session) -> TurnOffOutcome {
    store.turn_second_factor_off(&acting(session), Some(mail_id()), NOW).await.unwrap()
}

pub(super) fn event(kind: EventKind, session: &Session) -> Event {
    Event::by_user(kind, NOW, client()).about(session.user_id).in_session(session.id)
}

pub(super) async fn newest_event(store: &Server, user: &User) -> Event {
    store.activity(user.id, 1).await.unwrap().remove(0)
}

pub(super) async fn factors(store: &Server, user: &User) -> Factors {
    store.factors(user.id).await.unwrap()
}

/// Deletes all mails.
pub(super) async fn delete_mails(store: &Server) {
    store.purge_mails(NOW + 10 * NOTICE_LIFETIME, 1_000).await.unwrap();
    assert!(kinds_of_mails(store).await.is_empty());
}

pub(super) fn random_recovery_code() -> RecoveryCodeHash {
    RecoveryCode::generate_list(&SystemRandom)[0].hash()
}

pub(super) async fn enter_recovery_code(
    store: &Server,
    user: &User,
    code: RecoveryCodeHash,
) -> SecondStepOutcome {
    present(store, user, PresentedFactor::RecoveryCode(code)).await
}

pub(super) fn code_step(ticket: Ticket, code: TotpCode) -> SecondStep {
    second_step(ticket, PresentedFactor::AppCode(code))
}
