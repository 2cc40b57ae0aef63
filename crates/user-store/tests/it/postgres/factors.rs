//! The locks that changes to second factors take, and functions for other tests.

use std::fmt::Debug;
use std::time::Duration;

use auth_core::{
    Amr, ClientInfo, CredentialId, DecoyPosition, Email, MailId, OpenSession, PasskeyChallenge,
    PasskeyId, PasskeyName, PasskeyPublicKey, PasskeyState, Random as _, RecoveryCode,
    RecoveryCodeHash, RefreshToken, Roles, Session, SessionPolicy, SingleUseId, SystemRandom,
    Ticket, Timestamp, TotpSecret, UserId, VerifiedAssertion,
};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join};
use test_postgres::Database;
use tokio_postgres::{Client, NoTls};
use user_store::{
    ActingSession, AddPasskeyOutcome, AttemptStore as _, BeginTotpOutcome, CodeThrottle,
    ConfirmTotp, Credentials, Event, EventKind, FactorStore as _, NewPasskey, NewSession,
    OpenSessionOutcome, Passkey, PasskeySignIn, PasskeyUse, PostgresStore, PresentedFactor,
    ResetSecondFactorOutcome, SecondStep, SessionStore as _, StoreError, TurnOnOutcome, User,
    UserStore as _,
};

use super::{new_database, open};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const LATER: Timestamp = Timestamp::constant(3_600, 0);

const HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

async fn connect(database: &Database) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn sign_up_and_in(store: &PostgresStore) -> (User, ActingSession) {
    let user = User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse("ada@example.com").unwrap(),
        created_at: NOW,
        disabled_at: None,
        email_verified_at: Some(NOW),
        second_factor_at: None,
        roles: Roles::NONE,
    };
    let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default());
    let hash = HASH.parse().unwrap();
    store.create_user(&user, &hash, &event.about(user.id), None).await.unwrap();
    let (new, _) = new_session(user.id, Amr::PASSWORD, NOW);
    let verified = credentials(store, &user).await.password_version;
    let opened = store.open_session(&new, verified, None).await.unwrap();
    assert!(matches!(opened, OpenSessionOutcome::Opened { .. }));
    (user, ActingSession { session: new.session, client: ClientInfo::default() })
}

async fn credentials(store: &PostgresStore, user: &User) -> Credentials {
    let position = DecoyPosition::default();
    store.credentials(user.email.key(), &position).await.unwrap().account().unwrap()
}

async fn add(store: &PostgresStore, acting: &ActingSession) -> Passkey {
    let passkey = passkey(acting.session.user_id, random_credential(), NOW);
    let added = store.add_passkey(acting, &new_passkey(passkey.clone()), NOW).await.unwrap();
    assert_eq!(added, AddPasskeyOutcome::Added);
    passkey
}

/// Changes to one account run one after the other, even if they come from different sessions.
#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_second_factors_waits_for_other_changes_of_the_account() {
    let database = new_database();
    let store = open(&database.url()).await;
    let (user, acting) = sign_up_and_in(&store).await;
    let passkey = add(&store, &acting).await;
    let turned_on = store.turn_second_factor_on(&acting, &recovery_codes(), None, NOW).await;
    assert_eq!(turned_on.unwrap(), TurnOnOutcome::TurnedOn);
    let credentials = credentials(&store, &user).await;
    let secret = TotpSecret::generate(&SystemRandom);
    let begun = store.begin_totp(&acting, &secret, LATER, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);

    let step = |factor| second_step(&credentials, factor, NOW).unwrap().0;
    let by_app = step(PresentedFactor::AppCode(TotpSecret::generate(&SystemRandom).code_at(NOW)));
    let by_code = step(PresentedFactor::RecoveryCode(recovery_codes()[0]));
    let by_passkey = step(PresentedFactor::Passkey(use_of(passkey.id, NOW)));
    let sign_in = passkey_sign_in(user.id, use_of(passkey.id, NOW), NOW);
    let confirmation = ConfirmTotp {
        code: secret.code_at(LATER),
        recovery_codes: recovery_codes(),
        throttle: CodeThrottle::Enforced,
        notice: None,
    };
    let (codes, another) =
        (recovery_codes(), new_passkey(super::factors::passkey(user.id, random_credential(), NOW)));

    let (store, acting) = (&store, &acting);
    let calls = [
        ends(store.begin_totp(acting, &secret, LATER, NOW)),
        ends(store.confirm_totp(acting, &confirmation, NOW)),
        ends(store.turn_second_factor_on(acting, &codes, None, NOW)),
        ends(store.replace_recovery_codes(acting, &codes, None, NOW)),
        ends(store.add_passkey(acting, &another, NOW)),
        ends(store.rename_passkey(user.id, passkey.id, &passkey.name)),
        ends(store.open_session_with_second_factor(&by_app)),
        ends(store.open_session_with_second_factor(&by_code)),
        ends(store.open_session_with_second_factor(&by_passkey)),
        ends(store.open_session_with_passkey(&sign_in)),
        ends(store.remove_passkey(acting, passkey.id, None, NOW)),
        ends(store.turn_second_factor_off(acting, None, NOW)),
        ends(store.unlock_user(user.id, NOW)),
    ];
    let blocker = connect(&database).await;
    for (number, call) in calls.into_iter().enumerate() {
        blocker.batch_execute("BEGIN; SELECT FROM users FOR NO KEY UPDATE").await.unwrap();
        let ((), is_waiting) = join(call, commit_when_waiting(&blocker)).await;
        assert!(is_waiting, "call {number}");
    }

    // A reset also waits when it changes the account. The decision must be made after that.
    assert!(!store.factors(user.id).await.unwrap().passkeys.is_empty());
    let delete = "BEGIN; SELECT FROM users FOR NO KEY UPDATE; DELETE FROM passkeys";
    blocker.batch_execute(delete).await.unwrap();
    let reset = store.reset_second_factor(user.id, None, NOW);
    let (outcome, _) = join(reset, commit_when_waiting(&blocker)).await;
    assert_eq!(outcome.unwrap(), ResetSecondFactorOutcome::NothingToReset);
}

/// Commits a transaction as soon as another connection waits for it. Returns `false` if none does.
async fn commit_when_waiting(client: &Client) -> bool {
    let is_waiting = waits(client).await;
    client.batch_execute("COMMIT").await.unwrap();
    is_waiting
}

async fn waits(client: &Client) -> bool {
    let waiting = "SELECT count(*) > 0 FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    for _ in 0..1_500 {
        if client.query_one(waiting, &[]).await.unwrap().get(0) {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

/// An app that is set up again during a purge must survive it.
#[tokio::test(flavor = "multi_thread")]
async fn a_purge_skips_what_another_transaction_has_locked() {
    let database = new_database();
    let store = open(&database.url()).await;
    let (_, acting) = sign_up_and_in(&store).await;
    add(&store, &acting).await;
    let secret = TotpSecret::generate(&SystemRandom);
    let begun = store.begin_totp(&acting, &secret, NOW, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);
    let blocker = connect(&database).await;
    let lock = "BEGIN; SELECT FROM pending_totp FOR UPDATE; SELECT FROM used_ids FOR UPDATE";
    blocker.batch_execute(lock).await.unwrap();
    assert_eq!(store.purge_factors(LATER, 10).await.unwrap(), 0);
    blocker.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.purge_factors(LATER, 10).await.unwrap(), 1);
    let left = "SELECT (SELECT count(*) FROM pending_totp), (SELECT count(*) FROM used_ids)";
    assert_eq!(database.sql(left), "0|0");
}

fn ends<'a, T: Debug>(
    call: impl Future<Output = Result<T, StoreError>> + Send + 'a,
) -> BoxFuture<'a, ()> {
    async {
        call.await.unwrap();
    }
    .boxed()
}

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

/// Builds the second step after a first step with a password. Returns `None` if the second factor
/// of the account is off.
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
