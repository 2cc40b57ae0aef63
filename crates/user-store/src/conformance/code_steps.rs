//! Steps shared by the cases about codes.

use auth_core::{Email, EmailKey, Session};

use crate::audit::EventKind;
use crate::codes::{
    ChangeEmailOutcome, NewEmailChange, NewSignInCode, OpenSessionWithCodeOutcome,
    SendEmailChangeOutcome, SendOutcome, SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::conformance::steps::{
    NOW, Server, acting, mail_id, new_code, new_session, new_sign_in_code, reauthenticate,
};
use crate::mails::NewCode;
use crate::users::User;

pub(super) async fn send_verification(store: &Server, session: &Session, user: &User) -> NewCode {
    let code = new_code(user);
    let sent = store.send_verification_code(&acting(session), &code, NOW).await.unwrap();
    assert_eq!(sent, SendVerificationOutcome::Stored);
    code
}

pub(super) async fn verify(
    store: &Server,
    session: &Session,
    code: &NewCode,
) -> VerifyEmailOutcome {
    store.verify_email(&acting(session), &code.hash, NOW).await.unwrap()
}

pub(super) async fn change_to(
    store: &Server,
    user: &User,
    session: &Session,
    email: &str,
) -> NewCode {
    let change = email_change(user, email);
    let proof = reauthenticate(store, user, session).await;
    let sent = store.send_email_change_code(&proof, &change, NOW).await.unwrap();
    assert_eq!(sent, SendEmailChangeOutcome::Stored);
    change.code
}

pub(super) fn email_change(user: &User, email: &str) -> NewEmailChange {
    let email = Email::parse(email).unwrap();
    NewEmailChange { email, code: new_code(user), notice: mail_id() }
}

pub(super) async fn change(
    store: &Server,
    session: &Session,
    code: &NewCode,
) -> ChangeEmailOutcome {
    let notice = Some(mail_id());
    store.change_email(&acting(session), &code.hash, notice, NOW).await.unwrap()
}

pub(super) async fn request_sign_in(store: &Server, email: &EmailKey) -> NewSignInCode {
    let code = new_sign_in_code();
    assert_eq!(store.send_sign_in_code(email, &code, NOW).await.unwrap(), SendOutcome::Stored);
    code
}

pub(super) async fn sign_in(
    store: &Server,
    user: &User,
    code: &NewSignInCode,
) -> OpenSessionWithCodeOutcome {
    let (session, _) = new_session(user);
    store.open_session_with_code(&code.browser, &code.hash, &session).await.unwrap()
}

/// Returns the kinds of all events, in the order of recording.
pub(super) async fn kinds_of_events(store: &Server) -> Vec<EventKind> {
    let events = store.events(None, None, 1_000).await.unwrap();
    events.into_iter().map(|(_, event)| event.kind).collect()
}
