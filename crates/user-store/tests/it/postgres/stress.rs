//! Many clients that use all methods on a few accounts at the same time.

mod codes;
mod factors;

use std::sync::{Arc, Mutex};

use auth_core::{
    Admission, Amr, ClientInfo, CounterKey, DecoyPosition, Email, Limit, MailId, Network,
    OneTimeCode, OpenSession, RefreshToken, Roles, Session, SessionPolicy, SigningKey,
    SystemRandom, Timestamp, UserId,
};
use tokio::task::JoinSet;
use user_store::{
    ActingSession, AttemptStore as _, AuditLog as _, CreateUserError, DecoyStore as _, Event,
    EventKind, KeyStore as _, KnownBrowsers, LimitedCounter, Metadata, NewCode, NewMail,
    NewSession, OpenSessionOutcome, Outbox as _, PostgresStore, Reauthentication, RotateOutcome,
    Rotation, SessionStore as _, SetPassword, SettledAttempt, Settlement, StoreError, StoredUser,
    User, UserDataStore as _, UserStore as _,
};

use super::{new_database, open};

const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
const LATER: Timestamp = Timestamp::constant(1_700_003_600, 0);

const HASH: &str =
    "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A hash in the format of another system.
const IMPORTED: &str = "pbkdf2:sha256:2000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";

const CLIENTS: u64 = 24;
const STEPS: usize = 50;
const EMAILS: [&str; 3] = ["ada@example.com", "grace@example.com", "edsger@example.com"];

/// The state of one account, as far as the clients know it.
#[derive(Default)]
struct Account {
    id: Mutex<Option<UserId>>,
    sessions: Mutex<Vec<(Session, RefreshToken)>>,
}

struct Client {
    store: PostgresStore,
    accounts: Arc<[Account; 3]>,
    random: u64,
}

impl Client {
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % limit
    }

    async fn run(mut self) -> Result<(), StoreError> {
        for _ in 0..STEPS {
            let account = usize::try_from(self.below(3)).unwrap();
            match self.below(6) {
                0 => self.attempt(account).await?,
                1 => self.user_step(account).await?,
                2 => self.operator_step(account).await?,
                3 => self.code_step(account).await?,
                4 => self.factor_step(account).await?,
                _ => self.mail_step(account).await?,
            }
        }
        Ok(())
    }

    /// Begins and settles an attempt with two counters, in random order. All accounts share the
    /// second one.
    async fn attempt(&mut self, account: usize) -> Result<(), StoreError> {
        let ip = CounterKey::sign_ins_by_account("an IP address");
        let mut keys = vec![CounterKey::sign_ins_by_account(EMAILS[account]), ip];
        if self.below(2) == 0 {
            keys.reverse();
        }
        let counters: Vec<_> = keys
            .into_iter()
            .map(|key| LimitedCounter { key, limit: Limit::SIGN_INS_PER_ACCOUNT })
            .collect();
        if self.store.begin_attempt(&counters, NOW).await? != Admission::Admitted {
            return Ok(());
        }
        let settlement = [Settlement::Counted, Settlement::Refunded, Settlement::Reset];
        let settlement = settlement[usize::try_from(self.below(3)).unwrap()];
        let user = *self.accounts[account].id.lock().unwrap();
        let failure = Event::by_user(EventKind::SignInFailed, NOW, ClientInfo::default());
        let failure = Event { user, ..failure };
        let settled = SettledAttempt {
            counters: counters.iter().map(|counter| (*counter, settlement)).collect(),
            began_at: NOW,
            settled_at: NOW,
            failure: (settlement == Settlement::Counted).then_some(failure),
        };
        let _ = self.store.settle_attempt(&settled).await?;
        Ok(())
    }

    fn any_session(&mut self, account: usize) -> Option<(Session, RefreshToken)> {
        let random = self.below(1 << 32);
        let sessions = self.accounts[account].sessions.lock().unwrap();
        let count = u64::try_from(sessions.len()).unwrap();
        let index = usize::try_from(random.checked_rem(count)?).unwrap();
        sessions.get(index).cloned()
    }

    async fn user_step(&mut self, account: usize) -> Result<(), StoreError> {
        let client = ClientInfo::default();
        let Some((session, token)) = self.any_session(account) else {
            return self.open_session(account).await;
        };
        let acting = ActingSession { session, client: client.clone() };
        match self.below(9) {
            0..3 => self.open_session(account).await?,
            3 => {
                let (rotation, successor) = Rotation::new(&token, client, &SystemRandom);
                let policy = SessionPolicy::default();
                let rotated = self.store.rotate_refresh_token(&rotation, &policy, NOW).await?;
                if let RotateOutcome::Rotated(session, _) = rotated {
                    self.accounts[account].sessions.lock().unwrap().push((session, successor));
                }
            }
            4 => {
                let _ = self.store.end_session(&acting, session.id, NOW).await?;
            }
            5 => {
                let _ = self.store.end_other_sessions(&acting, NOW).await?;
            }
            6 => {
                let other = self.any_session(account).map_or(session.id, |(other, _)| other.id);
                let _ = self.store.end_session(&acting, other, NOW).await?;
            }
            number => {
                let Some(proof) = self.reauthenticate(account, session).await? else {
                    return Ok(());
                };
                if number == 7 {
                    let new = HASH.parse().unwrap();
                    let _ = self.store.change_password(&proof, &new, notice(), NOW).await?;
                } else {
                    let _ = self.store.delete_own_account(&proof, notice(), NOW).await?;
                }
            }
        }
        Ok(())
    }

    async fn reauthenticate(
        &self,
        account: usize,
        session: Session,
    ) -> Result<Option<Reauthentication>, StoreError> {
        let email = Email::parse(EMAILS[account]).unwrap();
        let challenge = self.store.credentials(email.key(), &DecoyPosition::default()).await?;
        Ok(challenge.account().map(|found| Reauthentication {
            session,
            client: ClientInfo::default(),
            verified: found.password_version,
        }))
    }

    async fn open_session(&self, account: usize) -> Result<(), StoreError> {
        let email = Email::parse(EMAILS[account]).unwrap();
        let challenge = self.store.credentials(email.key(), &DecoyPosition::default()).await?;
        let Some(found) = challenge.account() else { return self.sign_up(account).await };
        let policy = &SessionPolicy::default();
        let open =
            OpenSession { user_id: found.user_id, remember: false, amr: Amr::PASSWORD, policy };
        let session = Session::open(open, NOW, &SystemRandom);
        let token = RefreshToken::generate(&SystemRandom);
        let new = NewSession::new(session, ClientInfo::default(), &token);
        let rehashed = HASH.parse().unwrap();
        let opened = self.store.open_session(&new, found.password_version, Some(&rehashed)).await?;
        if matches!(opened, OpenSessionOutcome::Opened { .. }) {
            self.accounts[account].sessions.lock().unwrap().push((session, token));
        }
        Ok(())
    }

    async fn sign_up(&self, account: usize) -> Result<(), StoreError> {
        let user = user(EMAILS[account]);
        let event = Event::by_user(EventKind::AccountCreated, NOW, ClientInfo::default());
        let event = event.about(user.id);
        let code = new_code(user.id, &OneTimeCode::generate(&SystemRandom));
        match self.store.create_user(&user, &HASH.parse().unwrap(), &event, Some(&code)).await {
            Ok(()) => *self.accounts[account].id.lock().unwrap() = Some(user.id),
            Err(
                CreateUserError::EmailTaken
                | CreateUserError::InvitationInvalid
                | CreateUserError::OutboxFull,
            ) => {}
            Err(CreateUserError::Store(error)) => return Err(error),
        }
        Ok(())
    }

    async fn mail_step(&mut self, account: usize) -> Result<(), StoreError> {
        let store = self.store.clone();
        match self.below(8) {
            0 => {
                let _ = store.retry_mails(None, NOW).await?;
            }
            1 => {
                let _ = store.purge_mails(LATER, 5).await?;
            }
            2 => {
                let mails = store.mails(None, 10).await?;
                if let Some(mail) = mails.last() {
                    let _ = store.retry_mails(Some(mail.id), NOW).await?;
                }
            }
            3 => {
                let id = *self.accounts[account].id.lock().unwrap();
                if let Some(id) = id {
                    let _ = store.mark_email_verified(id, NOW).await?;
                }
            }
            _ => {
                for mail in store.claim_mails(NOW, 5).await? {
                    match self.below(4) {
                        0 => store.mail_deferred(mail.id, "451 try again").await?,
                        1 => store.mail_failed(mail.id, "550 no such mailbox", NOW).await?,
                        _ => store.mail_sent(mail.id).await?,
                    }
                }
            }
        }
        Ok(())
    }

    async fn operator_step(&mut self, account: usize) -> Result<(), StoreError> {
        let id = *self.accounts[account].id.lock().unwrap();
        let Some(id) = id else { return self.sign_up(account).await };
        let store = &self.store.clone();
        match self.below(17) {
            0 => {
                let _ = store.end_all_sessions(id, NOW).await?;
            }
            1 => {
                let _ = store.disable_user(id, NOW).await?;
            }
            2 | 3 => {
                let _ = store.enable_user(id, NOW).await?;
            }
            4 => {
                let _ = store.delete_user(id, notice(), NOW).await?;
            }
            5 => {
                let password = HASH.parse().unwrap();
                let new = SetPassword {
                    user: id,
                    password,
                    browsers: KnownBrowsers::Forget,
                    notice: notice(),
                };
                let _ = store.set_password(&new, NOW).await?;
            }
            6 => {
                let _ = store.unlock_user(id, NOW).await?;
            }
            7 => {
                let _ = store.purge_counters(NOW, 10).await?;
            }
            8 => {
                let _ = store.purge_sessions(NOW, 10).await?;
            }
            9 => {
                let _ = store.purge_events(NOW, 10).await?;
            }
            10 => {
                let event = Event::by_user(EventKind::SignInFailed, NOW, ClientInfo::default());
                store.record_event(&event.about(id)).await?;
            }
            11 => {
                let key = SigningKey::generate(&SystemRandom);
                store.add_signing_key(&key, NOW, NOW).await?;
                let _ = store.retire_signing_key(&key, NOW).await?;
            }
            12 => {
                let _ = store.recount_decoys(NOW).await?;
            }
            13 | 14 => {
                let imported = EMAILS.map(|email| {
                    let user = user(&format!("{}.{email}", self.below(4)));
                    StoredUser {
                        user,
                        password_hash: IMPORTED.parse().unwrap(),
                        metadata: Metadata::default(),
                    }
                });
                let _ = store.import_users(&imported, NOW).await?;
            }
            15 => {
                let _ = store.user_data(id).await?;
            }
            _ => {
                let _ = store.lockouts(id, NOW).await?;
            }
        }
        Ok(())
    }
}

fn new_code(user: UserId, code: &OneTimeCode) -> NewCode {
    NewCode {
        code: code.clone(),
        hash: code.hash_for_user(user),
        expires_at: LATER,
        mail: new_mail(),
        client: ClientInfo::default(),
    }
}

fn new_mail() -> NewMail {
    let network = CounterKey::mails_by_network(Network::of(None));
    NewMail { id: MailId::generate(NOW, &SystemRandom), network }
}

#[expect(clippy::unnecessary_wraps, reason = "it is a parameter of the methods")]
fn notice() -> Option<MailId> {
    Some(new_mail().id)
}

fn user(email: &str) -> User {
    let email = Email::parse(email).unwrap();
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email,
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

/// Counts the events about users that do not exist, except those of their deletions, the sessions
/// of accounts that are disabled, the counters that are not used, and the codes and the mails of
/// users that do not exist or whose email address is another one. Also counts the accounts whose
/// second factor is on although they have neither an app nor a passkey, and those that have an app
/// or recovery codes although it is off.
const INCONSISTENCIES: &str = "
    SELECT (SELECT count(*) FROM events e
            WHERE user_id IS NOT NULL AND kind <> 'account_deleted'
                AND NOT EXISTS (SELECT FROM users u WHERE u.id = e.user_id)),
        (SELECT count(*) FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE u.disabled_at IS NOT NULL),
        (SELECT count(*) FROM counters WHERE ends_at = 0),
        (SELECT count(*) FROM codes c LEFT JOIN users u ON u.id = c.user_id
         WHERE c.user_id IS NOT NULL
             AND (u.disabled_at IS NOT NULL OR c.email_hash IS DISTINCT FROM
                  sha256('latchkey email address\\000'::bytea || convert_to(u.email_key, 'UTF8')))),
        (SELECT count(*) FROM mails m
         WHERE user_id IS NOT NULL AND kind <> 'account_deleted'
             AND NOT EXISTS (SELECT FROM users u WHERE u.id = m.user_id)),
        (SELECT count(*) FROM users u LEFT JOIN totp ON totp.user_id = u.id
         LEFT JOIN recovery_code_lists l ON l.user_id = u.id
         WHERE CASE WHEN second_factor_at IS NULL
             THEN l.user_id IS NOT NULL OR totp.user_id IS NOT NULL
             ELSE l.user_id IS NULL OR totp.user_id IS NULL
                 AND NOT EXISTS (SELECT FROM passkeys p WHERE p.user_id = u.id) END)";

/// The parts of the server's log about deadlocks, with the statements that waited for each other.
const DEADLOCKS_IN_LOG: &str = "
    SELECT string_agg(part[1], E'\\n')
    FROM regexp_matches(
        pg_read_file(current_setting('data_directory') || '/../log'),
        'deadlock detected\\n(?:.*\\n){0,12}', 'gn') AS part";

/// All methods take their locks in the same order, so no two of them wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn concurrent_calls_of_all_methods_cause_no_deadlock() {
    let database = new_database();
    let stores = [open(&database.url()).await, open(&database.url()).await];
    let accounts = Arc::<[Account; 3]>::default();
    let mut clients = JoinSet::new();
    for number in 1..=CLIENTS {
        let store = stores[usize::try_from(number % 2).unwrap()].clone();
        let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        clients.spawn(Client { store, accounts: Arc::clone(&accounts), random }.run());
    }
    for result in clients.join_all().await {
        result.unwrap();
    }
    assert_eq!(database.sql(INCONSISTENCIES), "0|0|0|0|0|0");
    // A connection adds its deadlocks to the statistics when it ends. Autovacuum has connections
    // too.
    drop(stores);
    let connections = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'";
    for _ in 0..600 {
        if database.sql(connections) == "0" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(database.sql(connections), "0");
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(database.sql(deadlocks), "0", "{}", database.sql(DEADLOCKS_IN_LOG));
}
