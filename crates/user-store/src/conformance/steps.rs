//! Steps shared by many cases.

use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use auth_core::{
    Amr, ClientInfo, CounterKey, DecoyPosition, Email, EmailSignInToken, MailId, Network,
    NewPassword, OneTimeCode, OpenSession, PasswordHash, PasswordHasher, PasswordPolicy,
    RefreshToken, ResetToken, Roles, Session, SessionId, SessionPolicy, SigningKey, SigningKeySeed,
    SystemRandom, Timestamp, UserId,
};
use tokio::runtime::Handle;

use crate::audit::{Event, EventKind};
use crate::codes::{NewResetToken, NewSignInCode, PasswordReset, SendOutcome};
use crate::conformance::deployment::Deployment;
use crate::error::StoreError;
use crate::mails::NewCode;
use crate::mails::NewMail;
use crate::sessions::{
    ActingSession, EndSessionsOutcome, NewSession, OpenSessionOutcome, Rotation,
};
use crate::store::Store;
use crate::users::{
    Credentials, KnownBrowsers, Reauthentication, SetPassword, UpdateUserOutcome, User,
};

/// The connection of one server to the store.
pub(super) type Server = Arc<dyn Store>;

/// The time of every step, unless a case uses a different time.
pub(super) const NOW: Timestamp = Timestamp::constant(1_700_000_000, 123_000_000);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) async fn two_servers(deployment: &dyn Deployment) -> [Server; 2] {
    [deployment.connect().await, deployment.connect().await]
}

/// Runs two operations at the same time, each on a thread of its own. Which of them comes first
/// differs from call to call. The threads of the runtime drive their connections meanwhile.
pub(super) fn race<A: Send, B: Send>(
    first: impl Future<Output = A> + Send,
    second: impl Future<Output = B> + Send,
) -> (A, B) {
    let (runtime, start) = (&Handle::current(), &Barrier::new(2));
    thread::scope(|scope| {
        let first = scope.spawn(move || run(runtime, start, first));
        let second = scope.spawn(move || run(runtime, start, second));
        (first.join().unwrap(), second.join().unwrap())
    })
}

/// Runs operations at the same time, like [`race`]. Returns their results in the same order.
pub(super) fn race_all<F>(operations: impl IntoIterator<Item = F>) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send,
{
    let operations: Vec<_> = operations.into_iter().collect();
    let (runtime, start) = (&Handle::current(), &Barrier::new(operations.len()));
    thread::scope(|scope| {
        let start_one = |one| scope.spawn(move || run(runtime, start, one));
        let started: Vec<_> = operations.into_iter().map(start_one).collect();
        started.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

fn run<F: Future>(runtime: &Handle, start: &Barrier, operation: F) -> F::Output {
    start.wait();
    runtime.block_on(operation)
}

/// Builds a user that is not stored yet.
pub(super) fn user(email: &str) -> User {
    User {
        id: UserId::generate(NOW, &SystemRandom),
        email: Email::parse(email).unwrap(),
        created_at: NOW,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    }
}

/// Returns the outcome of opening a session that ends no other one.
pub(super) fn opened_for(user: &User) -> OpenSessionOutcome {
    OpenSessionOutcome::Opened { user: user.clone(), ended: Vec::new() }
}

/// Returns the client that sends the requests, unless a step or a case uses a different client.
pub(super) fn client() -> ClientInfo {
    ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0"))
}

pub(super) fn creation(user: &User) -> Event {
    Event::by_user(EventKind::AccountCreated, user.created_at, client()).about(user.id)
}

/// Returns a password hash. Each call returns a different one.
pub(super) fn hash() -> PasswordHash {
    let password = NewPassword::parse("a long walk", &PasswordPolicy::default(), &[]).unwrap();
    let hasher = PasswordHasher::new(PasswordHasher::MIN_ITERATIONS).unwrap();
    hasher.hash(&password, &SystemRandom)
}

pub(super) async fn sign_up(store: &Server, email: &str) -> (User, PasswordHash) {
    let (user, hash) = (user(email), hash());
    store.create_user(&user, &hash, &creation(&user), None).await.unwrap();
    (user, hash)
}

pub(super) async fn sign_up_ada(store: &Server) -> (User, PasswordHash) {
    sign_up(store, "ada@example.com").await
}

pub(super) async fn sign_in_ada(store: &Server) -> (User, Session) {
    let (user, _) = sign_up_ada(store).await;
    let (session, _) = open(store, &user).await;
    (user, session)
}

pub(super) async fn find_credentials(store: &Server, email: &Email) -> Option<Credentials> {
    store.credentials(email.key(), &DecoyPosition::default()).await.unwrap().account()
}

pub(super) async fn current_credentials(store: &Server, user: &User) -> Credentials {
    find_credentials(store, &user.email).await.unwrap()
}

/// Sets a password on behalf of an operator. The known browsers stay known.
pub(super) async fn set_password(
    store: &Server,
    user: &User,
    password: &PasswordHash,
) -> Result<UpdateUserOutcome, StoreError> {
    let password = password.clone();
    let new = SetPassword { user: user.id, password, browsers: KnownBrowsers::Keep, notice: None };
    store.set_password(&new, NOW).await
}

/// Builds a session that is not open yet, and its first refresh token.
pub(super) fn new_session(user: &User) -> (NewSession, RefreshToken) {
    let token = RefreshToken::generate(&SystemRandom);
    let policy = &SessionPolicy::default();
    let open = OpenSession { user_id: user.id, remember: false, amr: Amr::PASSWORD, policy };
    let session = Session::open(open, NOW, &SystemRandom);
    (NewSession::new(session, client(), &token), token)
}

/// Opens a session with the current password. Returns the ids of the sessions that this ended.
pub(super) async fn open_session(store: &Server, user: &User, new: &NewSession) -> Vec<SessionId> {
    let verified = current_credentials(store, user).await.password_version;
    match store.open_session(new, verified, None).await.unwrap() {
        OpenSessionOutcome::Opened { ended, .. } => ended,
        rejected => unreachable!("the credentials were read just before: {rejected:?}"),
    }
}

pub(super) async fn open(store: &Server, user: &User) -> (Session, RefreshToken) {
    let (new, token) = new_session(user);
    open_session(store, user, &new).await;
    (new.session, token)
}

pub(super) async fn is_alive(store: &Server, session: &Session) -> bool {
    store.session(session.id, NOW).await.unwrap().is_some()
}

pub(super) fn acting(session: &Session) -> ActingSession {
    ActingSession { session: *session, client: client() }
}

/// Signs out of the session. Returns whether it was active.
pub(super) async fn sign_out(store: &Server, session: &Session) -> bool {
    let outcome = store.end_session(&acting(session), session.id, NOW).await.unwrap();
    outcome == EndSessionsOutcome::Ended(1)
}

/// Builds the proof that the user has entered the current password in this session.
pub(super) async fn reauthenticate(
    store: &Server,
    user: &User,
    session: &Session,
) -> Reauthentication {
    let verified = current_credentials(store, user).await.password_version;
    Reauthentication { session: *session, client: client(), verified }
}

/// Builds the rotation of a token for an unknown client. Returns it with the token's successor.
pub(super) fn rotation(token: &RefreshToken) -> (Rotation, RefreshToken) {
    Rotation::new(token, ClientInfo::default(), &SystemRandom)
}

pub(super) fn seed() -> SigningKeySeed {
    SigningKey::generate(&SystemRandom).seed().clone()
}

/// Offers `candidate` as the first key, as a server does when it starts. Returns the first key.
pub(super) async fn first_key(store: &Server, candidate: &SigningKeySeed) -> SigningKeySeed {
    store.ensure_signing_key(candidate, NOW).await.unwrap();
    let keys = store.signing_keys().await.unwrap().keys;
    assert_eq!(keys.len(), 1);
    keys[0].seed.clone()
}

/// How long codes are valid in the cases. A session is active for longer.
pub(super) const CODE_LIFETIME: Duration = Duration::from_mins(10);

pub(super) fn new_mail() -> NewMail {
    let network = CounterKey::mails_by_network(Network::of(client().ip()));
    NewMail { id: mail_id(), network }
}

pub(super) fn mail_id() -> MailId {
    MailId::generate(NOW, &SystemRandom)
}

/// Builds a code that only this user can use.
pub(super) fn new_code(user: &User) -> NewCode {
    let code = OneTimeCode::generate(&SystemRandom);
    let hash = code.hash_for_user(user.id);
    NewCode { code, hash, expires_at: NOW + CODE_LIFETIME, mail: new_mail(), client: client() }
}

pub(super) fn new_reset_token() -> NewResetToken {
    NewResetToken {
        token: ResetToken::generate(&SystemRandom),
        expires_at: NOW + CODE_LIFETIME,
        mail: new_mail(),
        client: client(),
    }
}

/// Builds a code with which only one new browser can sign in.
pub(super) fn new_sign_in_code() -> NewSignInCode {
    let browser = EmailSignInToken::generate(&SystemRandom);
    let code = OneTimeCode::generate(&SystemRandom);
    NewSignInCode {
        hash: code.hash_for_browser(&browser),
        code,
        browser: browser.hash(),
        remember: true,
        expires_at: NOW + CODE_LIFETIME,
        mail: new_mail(),
        client: client(),
    }
}

/// Signs up a user whose email address is verified.
pub(super) async fn sign_up_verified(store: &Server, email: &str) -> User {
    let (user, _) = sign_up(store, email).await;
    let outcome = store.mark_email_verified(user.id, NOW).await.unwrap();
    assert_eq!(outcome, UpdateUserOutcome::Updated);
    store.user(user.id).await.unwrap().unwrap()
}

/// Requests a reset token for the email address of a user.
pub(super) async fn request_reset(store: &Server, user: &User) -> NewResetToken {
    let token = new_reset_token();
    let sent = store.send_reset_token(user.email.key(), &token, NOW).await.unwrap();
    assert_eq!(sent, SendOutcome::Stored);
    token
}

/// Builds the use of a reset token, with a notice.
pub(super) fn password_reset(token: &NewResetToken) -> PasswordReset {
    PasswordReset {
        token: token.token.hash(),
        password: hash(),
        client: client(),
        notice: Some(mail_id()),
    }
}

/// Returns the kinds of all mails, in the order of their names.
pub(super) async fn kinds_of_mails(store: &Server) -> Vec<String> {
    let mut kinds: Vec<_> =
        store.mails(None, 1_000).await.unwrap().into_iter().map(|mail| mail.kind).collect();
    kinds.sort();
    kinds
}
