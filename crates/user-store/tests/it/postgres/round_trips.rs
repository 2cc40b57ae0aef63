use std::time::Duration;

use auth_core::{
    Admission, Amr, ClientInfo, CounterKey, DecoyPosition, Email, EmailSignInToken,
    EmailSignInTokenHash, Limit, MailId, Network, NewPassword, OneTimeCode, OpenSession,
    PasswordHash, PasswordHasher, PasswordPolicy, RefreshToken, ResetToken, ResetTokenHash, Roles,
    Session, SessionPolicy, SystemRandom, Timestamp, TotpSecret, UserId,
};
use test_postgres::{Cluster, Proxy};
use user_store::{
    ActingSession, AddPasskeyOutcome, AttemptStore as _, BeginTotpOutcome, CodeStore as _,
    CodeThrottle, ConfirmTotp, ConfirmTotpOutcome, Event, EventKind, FactorStore as _,
    LimitedCounter, NewMail, NewResetToken, NewSession, NewSignInCode, OpenSessionOutcome,
    Outbox as _, PasskeySignInOutcome, PasswordReset, PostgresStore, PresentedFactor,
    ResetPasswordOutcome, RotateOutcome, Rotation, SecondStepOutcome, SendOutcome,
    SessionStore as _, SettleOutcome, SettledAttempt, Settlement, User, UserStore as _,
};

use crate::postgres::factors::{
    new_passkey, passkey, passkey_sign_in, random_credential, recovery_codes, second_step, use_of,
};
use crate::postgres::open;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const HOUR: Duration = Duration::from_hours(1);

struct Server {
    store: PostgresStore,
    user: User,
    password: PasswordHash,
    proxy: Proxy,
    _cluster: Cluster,
}

impl Server {
    async fn start() -> Self {
        let cluster = Cluster::start(&[("fsync", "off")]);
        let proxy = Proxy::to(cluster.port()).await;
        let store = open(&proxy.url("postgres")).await;
        let email = Email::parse("ada@example.com").unwrap();
        let id = UserId::generate(NOW, &SystemRandom);
        let user = User {
            id,
            email,
            created_at: NOW,
            disabled_at: None,
            email_verified_at: None,
            second_factor_at: None,
            roles: Roles::NONE,
        };
        let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
        let hasher = PasswordHasher::new(PasswordHasher::MIN_ITERATIONS).unwrap();
        let hash = hasher.hash(&password, &SystemRandom);
        let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default());
        store.create_user(&user, &hash, &event.about(id), None).await.unwrap();
        Self { store, user, password: hash, proxy, _cluster: cluster }
    }

    /// Returns the minimum number of round trips of several calls. The first calls open connections
    /// and prepare statements, and the store renews its row in between.
    async fn round_trips(&self, call: impl AsyncFn()) -> usize {
        let mut min = usize::MAX;
        for _ in 0..40 {
            let before = self.proxy.round_trips();
            call().await;
            min = min.min(self.proxy.round_trips() - before);
        }
        min
    }

    async fn request_reset(&self, email: &str) -> ResetTokenHash {
        let token = ResetToken::generate(&SystemRandom);
        let (hash, client) = (token.hash(), ClientInfo::default());
        let new = NewResetToken { token, expires_at: NOW + HOUR, mail: new_mail(), client };
        let email = Email::parse(email).unwrap();
        let sent = self.store.send_reset_token(email.key(), &new, NOW).await.unwrap();
        assert_eq!(sent, SendOutcome::Stored);
        hash
    }

    async fn request_sign_in(&self, email: &str) -> EmailSignInTokenHash {
        let token = EmailSignInToken::generate(&SystemRandom);
        let code = OneTimeCode::generate(&SystemRandom);
        let new = NewSignInCode {
            hash: code.hash_for_browser(&token),
            code,
            browser: token.hash(),
            remember: false,
            expires_at: NOW + HOUR,
            mail: new_mail(),
            client: ClientInfo::default(),
        };
        let email = Email::parse(email).unwrap();
        let sent = self.store.send_sign_in_code(email.key(), &new, NOW).await.unwrap();
        assert_eq!(sent, SendOutcome::Stored);
        token.hash()
    }

    /// Makes the calls of a sign-in with the right password.
    async fn sign_in(&self) -> RefreshToken {
        let email = self.user.email.key();
        let counters = [
            (CounterKey::sign_ins_by_account(email.as_str()), Limit::SIGN_INS_PER_ACCOUNT),
            (
                CounterKey::sign_ins_by_account_and_network(email.as_str(), Network::of(None)),
                Limit::SIGN_INS_PER_ACCOUNT_AND_IP,
            ),
            (CounterKey::sign_ins_by_network(Network::of(None)), Limit::SIGN_INS_PER_IP),
        ];
        let counters = counters.map(|(key, limit)| LimitedCounter { key, limit });
        let begun = self.store.begin_attempt(&counters, NOW).await.unwrap();
        assert_eq!(begun, Admission::Admitted);
        let challenge = self.store.credentials(email, &DecoyPosition::default()).await.unwrap();
        let verified = challenge.account().unwrap().password_version;
        let settled = SettledAttempt {
            counters: counters.map(|counter| (counter, Settlement::Reset)).to_vec(),
            began_at: NOW,
            settled_at: NOW,
            failure: None,
        };
        assert_eq!(self.store.settle_attempt(&settled).await.unwrap(), SettleOutcome::Settled);
        let policy = &SessionPolicy::default();
        let open =
            OpenSession { user_id: self.user.id, remember: false, amr: Amr::PASSWORD, policy };
        let session = Session::open(open, NOW, &SystemRandom);
        let token = RefreshToken::generate(&SystemRandom);
        let new = NewSession::new(session, ClientInfo::default(), &token);
        let opened = self.store.open_session(&new, verified, None).await.unwrap();
        assert!(matches!(opened, OpenSessionOutcome::Opened { .. }));
        token
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_takes_at_most_eight_round_trips_and_a_refresh_three() {
    let server = Server::start().await;
    let sign_in = server.round_trips(async || drop(server.sign_in().await)).await;
    assert!((1..=8).contains(&sign_in), "{sign_in}");

    let token = tokio::sync::Mutex::new(server.sign_in().await);
    let refresh = server
        .round_trips(async || {
            let mut token = token.lock().await;
            let (rotation, successor) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
            let policy = SessionPolicy::default();
            let outcome = server.store.rotate_refresh_token(&rotation, &policy, NOW).await;
            assert!(matches!(outcome.unwrap(), RotateOutcome::Rotated(..)));
            *token = successor;
        })
        .await;
    assert!((1..=3).contains(&refresh), "{refresh}");
}

/// A sign-in with a passkey first reads the passkey, in order to verify its signature.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_step_takes_two_round_trips_and_a_sign_in_with_a_passkey_three() {
    let server = Server::start().await;
    let (store, user) = (&server.store, server.user.id);
    let family = server.sign_in().await.family();
    let session = store.session_by_family(&family, NOW).await.unwrap().unwrap();
    let acting = ActingSession { session, client: ClientInfo::default() };
    let secret = TotpSecret::generate(&SystemRandom);
    let begun = store.begin_totp(&acting, &secret, NOW + HOUR, NOW).await.unwrap();
    assert_eq!(begun, BeginTotpOutcome::Stored);
    let confirmation = ConfirmTotp {
        code: secret.code_at(NOW),
        recovery_codes: recovery_codes(),
        throttle: CodeThrottle::Enforced,
        notice: None,
    };
    let confirmed = store.confirm_totp(&acting, &confirmation, NOW).await.unwrap();
    assert_eq!(confirmed, ConfirmTotpOutcome::TurnedOn);
    let passkey = passkey(user, random_credential(), NOW);
    let added = store.add_passkey(&acting, &new_passkey(passkey.clone()), NOW).await.unwrap();
    assert_eq!(added, AddPasskeyOutcome::Added);

    let email = server.user.email.key();
    let challenge = store.credentials(email, &DecoyPosition::default()).await.unwrap();
    let credentials = challenge.account().unwrap();
    let now = tokio::sync::Mutex::new(NOW);
    let second_step = server
        .round_trips(async || {
            let mut now = now.lock().await;
            // The next time step.
            *now += Duration::from_secs(30);
            let factor = PresentedFactor::AppCode(secret.code_at(*now));
            let (step, _) = second_step(&credentials, factor, *now).unwrap();
            let outcome = store.open_session_with_second_factor(&step).await.unwrap();
            assert!(matches!(outcome, SecondStepOutcome::Opened(_)), "{outcome:?}");
        })
        .await;
    let passkey_sign_in = server
        .round_trips(async || {
            let found = store.passkey(&passkey.credential_id).await.unwrap().unwrap();
            let sign_in = passkey_sign_in(user, use_of(found.id, NOW), NOW);
            let outcome = store.open_session_with_passkey(&sign_in).await.unwrap();
            assert!(matches!(outcome, PasskeySignInOutcome::Opened(_)), "{outcome:?}");
        })
        .await;
    assert_eq!((second_step, passkey_sign_in), (2, 3));

    let lookup = server
        .round_trips(async || {
            let found = store.session(session.id, NOW).await.unwrap().unwrap();
            assert!(found.user.second_factor_at.is_some());
        })
        .await;
    let factors = server
        .round_trips(async || {
            assert_eq!(store.factors(user).await.unwrap().passkeys.len(), 1);
        })
        .await;
    assert_eq!((lookup, factors), (1, 1));
}

/// The number of round trips must not reveal whether an email address has an account.
#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_mail_takes_two_round_trips_with_and_without_an_account() {
    let server = Server::start().await;
    for email in ["ada@example.com", "grace@example.com"] {
        let reset = server
            .round_trips(async || {
                let _ = server.request_reset(email).await;
            })
            .await;
        let sign_in = server
            .round_trips(async || {
                let _ = server.request_sign_in(email).await;
            })
            .await;
        assert_eq!((reset, sign_in), (2, 2), "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_takes_three_round_trips_and_a_token_of_nobody_one() {
    let server = Server::start().await;
    let token = tokio::sync::Mutex::new(server.request_reset("ada@example.com").await);
    let reset = async || {
        let mut token = token.lock().await;
        let before = server.proxy.round_trips();
        let reset = PasswordReset {
            token: *token,
            password: server.password.clone(),
            client: ClientInfo::default(),
            notice: Some(new_mail().id),
        };
        let outcome = server.store.reset_password(&reset, NOW).await.unwrap();
        assert!(matches!(outcome, ResetPasswordOutcome::Reset { .. }), "{outcome:?}");
        let taken = server.proxy.round_trips() - before;
        *token = server.request_reset("ada@example.com").await;
        taken
    };
    let mut min = usize::MAX;
    for _ in 0..10 {
        min = min.min(reset().await);
    }
    assert_eq!(min, 3);

    let unknown = ResetToken::generate(&SystemRandom).hash();
    let found = server
        .round_trips(async || {
            assert_eq!(server.store.reset_target(&unknown, NOW).await.unwrap(), None);
        })
        .await;
    assert_eq!(found, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_without_due_mails_takes_one_round_trip() {
    let server = Server::start().await;
    let claim = server
        .round_trips(async || assert!(server.store.claim_mails(NOW, 10).await.unwrap().is_empty()))
        .await;
    assert_eq!(claim, 1);
}

fn new_mail() -> NewMail {
    let network = CounterKey::mails_by_network(Network::of(None));
    NewMail { id: MailId::generate(NOW, &SystemRandom), network }
}
