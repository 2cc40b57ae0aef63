//! Codes and reset tokens.

use auth_core::{Email, EmailKey, Session, SessionPolicy};
use futures_util::future::{join, join_all};

use crate::audit::{Event, EventKind};
use crate::codes::{
    ChangeEmailOutcome, MAX_TRIES, NewEmailChange, NewSignInCode, OpenSessionWithCodeOutcome,
    PendingSignIn, ResetPasswordOutcome, SendEmailChangeOutcome, SendOutcome,
    SendVerificationOutcome, VerifyEmailOutcome,
};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, Server, acting, client, creation, current_credentials,
    find_credentials, hash, is_alive, kinds_of_mails, mail_id, new_code, new_session,
    new_sign_in_code, open, password_reset, reauthenticate, request_reset, rotation, set_password,
    sign_in_ada, sign_out, sign_up, sign_up_ada, sign_up_verified, two_servers, user,
};
use crate::mails::{FAILED_MAIL_RETENTION, Message, NewCode};
use crate::users::{
    CreateUserError, ReauthenticatedChangeOutcome, Reauthentication, UpdateUserOutcome, User,
};

cases! {
    ($) codes_cases in codes;
    a_code_verifies_the_email_once,
    a_sign_up_stores_a_code_that_verifies_the_email,
    a_sign_up_with_a_taken_email_adds_no_mail,
    five_wrong_tries_end_a_code,
    a_code_expires,
    only_the_newest_code_is_valid,
    a_verified_email_gets_no_code,
    a_code_is_valid_only_for_its_user,
    an_ended_session_uses_no_code,
    an_operator_verifies_an_email_once,
    a_code_changes_the_email,
    a_taken_email_gets_a_mail_without_a_code,
    a_code_for_an_email_that_was_taken_meanwhile_is_used_up,
    an_email_change_is_rejected_without_writing,
    a_notice_goes_only_to_a_verified_email,
    a_reset_token_sets_a_password_once,
    only_the_newest_reset_token_is_valid,
    a_reset_token_expires,
    a_disabled_account_has_no_valid_codes,
    a_request_for_an_unknown_or_disabled_email_is_stored_without_a_user,
    a_code_opens_a_session_in_its_browser_once,
    an_unverified_email_gets_no_code_for_signing_in,
    wrong_codes_for_unknown_emails_are_counted_like_others,
    changes_of_the_account_delete_its_codes_and_mails,
    a_deletion_leaves_only_notices,
    concurrent_resets_with_one_token_succeed_once,
    concurrent_uses_of_one_code_succeed_once,
    concurrent_wrong_tries_end_a_code,
    sign_ins_that_race_with_a_reset_leave_no_session,
    a_reset_ends_a_session_that_is_refreshed_at_the_same_time,
    a_reset_and_an_email_change_with_codes_succeed_once,
}

async fn send_verification(store: &Server, session: &Session, user: &User) -> NewCode {
    let code = new_code(user);
    let sent = store.send_verification_code(&acting(session), &code, NOW).await.unwrap();
    assert_eq!(sent, SendVerificationOutcome::Stored);
    code
}

async fn verify(store: &Server, session: &Session, code: &NewCode) -> VerifyEmailOutcome {
    store.verify_email(&acting(session), &code.hash, NOW).await.unwrap()
}

async fn change_to(store: &Server, user: &User, session: &Session, email: &str) -> NewCode {
    let change = email_change(user, email);
    let proof = reauthenticate(store, user, session).await;
    let sent = store.send_email_change_code(&proof, &change, NOW).await.unwrap();
    assert_eq!(sent, SendEmailChangeOutcome::Stored);
    change.code
}

fn email_change(user: &User, email: &str) -> NewEmailChange {
    let email = Email::parse(email).unwrap();
    NewEmailChange { email, code: new_code(user), notice: mail_id() }
}

async fn change(store: &Server, session: &Session, code: &NewCode) -> ChangeEmailOutcome {
    let notice = Some(mail_id());
    store.change_email(&acting(session), &code.hash, notice, NOW).await.unwrap()
}

async fn request_sign_in(store: &Server, email: &EmailKey) -> NewSignInCode {
    let code = new_sign_in_code();
    assert_eq!(store.send_sign_in_code(email, &code, NOW).await.unwrap(), SendOutcome::Stored);
    code
}

async fn sign_in(store: &Server, user: &User, code: &NewSignInCode) -> OpenSessionWithCodeOutcome {
    let (session, _) = new_session(user);
    store.open_session_with_code(&code.browser, &code.hash, &session).await.unwrap()
}

/// Returns the kinds of all events, in the order of recording.
async fn kinds_of_events(store: &Server) -> Vec<EventKind> {
    let events = store.events(None, None, 1_000).await.unwrap();
    events.into_iter().map(|(_, event)| event.kind).collect()
}

async fn a_code_verifies_the_email_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = send_verification(&store, &session, &ada).await;
    assert_eq!(kinds_of_mails(&store).await, ["verify_email"]);
    let verified = User { email_verified_at: Some(NOW), ..ada.clone() };
    let outcome = verify(&store, &session, &code).await;
    assert_eq!(outcome, VerifyEmailOutcome::Verified(verified.clone()));
    assert_eq!(store.user(ada.id).await.unwrap(), Some(verified.clone()));
    assert_eq!(store.session(session.id, NOW).await.unwrap().unwrap().user, verified);
    assert_eq!(verify(&store, &session, &code).await, VerifyEmailOutcome::CodeExpired);
    let event = Event::by_user(EventKind::EmailVerified, NOW, client());
    let event = event.about(ada.id).in_session(session.id);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
}

async fn a_sign_up_stores_a_code_that_verifies_the_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = user("ada@example.com");
    let code = new_code(&ada);
    store.create_user(&ada, &hash(), &creation(&ada), Some(&code)).await.unwrap();
    assert_eq!(kinds_of_mails(&store).await, ["verify_email"]);
    let (session, _) = open(&store, &ada).await;
    let outcome = verify(&store, &session, &code).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn a_sign_up_with_a_taken_email_adds_no_mail(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    sign_up_ada(&store).await;
    let other = user("ada@example.com");
    let code = new_code(&other);
    let created = store.create_user(&other, &hash(), &creation(&other), Some(&code)).await;
    assert!(matches!(created, Err(CreateUserError::EmailTaken)));
    assert!(kinds_of_mails(&store).await.is_empty());
}

async fn five_wrong_tries_end_a_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = send_verification(&store, &session, &ada).await;
    let wrong = new_code(&ada);
    for _ in 1..MAX_TRIES {
        assert_eq!(verify(&store, &session, &wrong).await, VerifyEmailOutcome::CodeWrong);
    }
    assert_eq!(verify(&store, &session, &wrong).await, VerifyEmailOutcome::CodeExpired);
    assert_eq!(verify(&store, &session, &code).await, VerifyEmailOutcome::CodeExpired);
    // Four wrong tries do not end a code, and a new code has new tries.
    let code = send_verification(&store, &session, &ada).await;
    for _ in 1..MAX_TRIES {
        assert_eq!(verify(&store, &session, &wrong).await, VerifyEmailOutcome::CodeWrong);
    }
    let outcome = verify(&store, &session, &code).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn a_code_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = send_verification(&store, &session, &ada).await;
    let end = NOW + CODE_LIFETIME;
    let late = store.verify_email(&acting(&session), &code.hash, end).await.unwrap();
    assert_eq!(late, VerifyEmailOutcome::CodeExpired);
    let in_time = store.verify_email(&acting(&session), &code.hash, end - SECOND).await.unwrap();
    assert!(matches!(in_time, VerifyEmailOutcome::Verified(_)), "{in_time:?}");
}

async fn only_the_newest_code_is_valid(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let former = send_verification(&store, &session, &ada).await;
    let newest = send_verification(&store, &session, &ada).await;
    // A code of another purpose does not replace it.
    change_to(&store, &ada, &session, "new@example.com").await;
    assert_eq!(verify(&store, &session, &former).await, VerifyEmailOutcome::CodeWrong);
    let outcome = verify(&store, &session, &newest).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn a_verified_email_gets_no_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let (session, _) = open(&store, &ada).await;
    let sent = store.send_verification_code(&acting(&session), &new_code(&ada), NOW).await;
    assert_eq!(sent.unwrap(), SendVerificationOutcome::AlreadyVerified);
    assert!(kinds_of_mails(&store).await.is_empty());
}

async fn a_code_is_valid_only_for_its_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (other, _) = open(&store, &grace).await;
    let code = send_verification(&store, &session, &ada).await;
    assert_eq!(verify(&store, &other, &code).await, VerifyEmailOutcome::CodeExpired);
    send_verification(&store, &other, &grace).await;
    assert_eq!(verify(&store, &other, &code).await, VerifyEmailOutcome::CodeWrong);
    let outcome = verify(&store, &session, &code).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn an_ended_session_uses_no_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let (other, _) = open(&store, &ada).await;
    let verification = send_verification(&store, &session, &ada).await;
    let email = change_to(&store, &ada, &session, "new@example.com").await;
    assert!(sign_out(&store, &session).await);
    assert_eq!(verify(&store, &session, &verification).await, VerifyEmailOutcome::SessionEnded);
    assert_eq!(change(&store, &session, &email).await, ChangeEmailOutcome::SessionEnded);
    let sent = store.send_verification_code(&acting(&session), &new_code(&ada), NOW).await;
    assert_eq!(sent.unwrap(), SendVerificationOutcome::SessionEnded);
    let outcome = verify(&store, &other, &verification).await;
    assert!(matches!(outcome, VerifyEmailOutcome::Verified(_)), "{outcome:?}");
}

async fn an_operator_verifies_an_email_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    for at in [NOW, NOW + SECOND] {
        let outcome = store.mark_email_verified(ada.id, at).await.unwrap();
        assert_eq!(outcome, UpdateUserOutcome::Updated);
    }
    assert_eq!(store.user(ada.id).await.unwrap().unwrap().email_verified_at, Some(NOW));
    let kinds = kinds_of_events(&store).await;
    assert_eq!(kinds, [EventKind::AccountCreated, EventKind::EmailVerified]);
    let outcome = store.mark_email_verified(user("x@example.com").id, NOW).await.unwrap();
    assert_eq!(outcome, UpdateUserOutcome::NotFound);
}

async fn a_code_changes_the_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let (session, _) = open(&store, &ada).await;
    let (other, _) = open(&store, &ada).await;
    let reset = request_reset(&store, &ada).await;
    let version = current_credentials(&store, &ada).await.device_version;
    let code = change_to(&store, &ada, &session, "New@example.com").await;
    let mails = ["change_email", "email_change_requested", "reset_password"];
    assert_eq!(kinds_of_mails(&store).await, mails);

    let email = Email::parse("New@example.com").unwrap();
    let later = NOW + SECOND;
    let changed = User { email, email_verified_at: Some(later), ..ada.clone() };
    let notice = Some(mail_id());
    let outcome = store.change_email(&acting(&session), &code.hash, notice, later).await.unwrap();
    let device_version = version.next();
    let expected = ChangeEmailOutcome::Changed { user: changed.clone(), device_version };
    assert_eq!(outcome, expected);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(changed.clone()));
    assert!(find_credentials(&store, &ada.email).await.is_none());
    assert_eq!(current_credentials(&store, &changed).await.device_version, device_version);
    assert!(is_alive(&store, &session).await && !is_alive(&store, &other).await);
    assert_eq!(store.reset_target(&reset.token.hash(), later).await.unwrap(), None);

    // The mails with codes are deleted, and the notices go to the previous address.
    assert_eq!(kinds_of_mails(&store).await, ["email_change_requested", "email_changed"]);
    for mail in store.mails(None, 10).await.unwrap() {
        assert_eq!((mail.recipient.as_str(), mail.user), ("ada@example.com", Some(ada.id)));
    }
    let kinds: Vec<_> =
        store.activity(ada.id, 2).await.unwrap().into_iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::EmailChanged, EventKind::EmailChangeRequested]);
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::CodeExpired);
}

async fn a_taken_email_gets_a_mail_without_a_code(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let (grace, _) = sign_up(&store, "Grace@example.com").await;
    change_to(&store, &ada, &session, "GRACE@example.com").await;
    let [mail] = &store.claim_mails(NOW, 10).await.unwrap()[..] else { unreachable!("one is due") };
    assert!(matches!(mail.message, Message::EmailTaken(_)), "{:?}", mail.message);
    assert_eq!(mail.recipient, "Grace@example.com", "it is the stored email address");
    let _ = store.disable_user(grace.id, NOW).await.unwrap();
    change_to(&store, &ada, &session, "grace@example.com").await;
    assert!(kinds_of_mails(&store).await.is_empty(), "a disabled account gets no mail");
}

async fn a_code_for_an_email_that_was_taken_meanwhile_is_used_up(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = change_to(&store, &ada, &session, "new@example.com").await;
    sign_up(&store, "NEW@example.com").await;
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::EmailTaken);
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::CodeExpired);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada));
}

async fn an_email_change_is_rejected_without_writing(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let send = async |proof: &Reauthentication, email: &str| {
        store.send_email_change_code(proof, &email_change(&ada, email), NOW).await.unwrap()
    };
    assert_eq!(send(&proof, "ADA@Example.com").await, SendEmailChangeOutcome::Unchanged);
    let stale = Reauthentication { verified: proof.verified.next(), ..proof.clone() };
    let rejected = send(&stale, "new@example.com").await;
    assert_eq!(rejected, SendEmailChangeOutcome::CredentialsChanged);
    assert!(sign_out(&store, &session).await);
    assert_eq!(send(&proof, "new@example.com").await, SendEmailChangeOutcome::SessionEnded);
    assert!(kinds_of_mails(&store).await.is_empty());
    let kinds = kinds_of_events(&store).await;
    assert!(!kinds.contains(&EventKind::EmailChangeRequested));
}

async fn a_notice_goes_only_to_a_verified_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = change_to(&store, &ada, &session, "new@example.com").await;
    assert_eq!(kinds_of_mails(&store).await, ["change_email"]);
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), Some(mail_id()), NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert!(kinds_of_mails(&store).await.is_empty());
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::CodeExpired);

    let _ = store.mark_email_verified(ada.id, NOW).await.unwrap();
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), Some(mail_id()), NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_eq!(kinds_of_mails(&store).await, ["password_changed"]);
}

async fn a_reset_token_sets_a_password_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let before = current_credentials(&store, &ada).await;
    let token = request_reset(&store, &ada).await;
    let target = store.reset_target(&token.token.hash(), NOW).await.unwrap();
    assert_eq!(target, Some(ada.clone()), "the token is not used by looking it up");
    let reset = password_reset(&token);
    let outcome = store.reset_password(&reset, NOW).await.unwrap();
    let user = User { email_verified_at: Some(NOW), ..ada.clone() };
    let device_version = before.device_version.next();
    let expected = ResetPasswordOutcome::Reset { user: user.clone(), device_version };
    assert_eq!(outcome, expected);
    let after = current_credentials(&store, &ada).await;
    assert_eq!(after.password_hash, reset.password);
    assert_eq!(after.password_version, before.password_version.next());
    assert_eq!(after.device_version, device_version);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(user));
    assert!(!is_alive(&store, &session).await);
    assert_eq!(store.reset_target(&token.token.hash(), NOW).await.unwrap(), None);
    let again = store.reset_password(&password_reset(&token), NOW).await.unwrap();
    assert_eq!(again, ResetPasswordOutcome::TokenInvalid);
    let kinds = kinds_of_events(&store).await;
    for kind in [EventKind::PasswordResetRequested, EventKind::PasswordReset] {
        assert_eq!(kinds.iter().filter(|recorded| **recorded == kind).count(), 1, "{kind:?}");
    }
}

async fn only_the_newest_reset_token_is_valid(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let former = request_reset(&store, &ada).await;
    let newest = request_reset(&store, &ada).await;
    let outcome = store.reset_password(&password_reset(&former), NOW).await.unwrap();
    assert_eq!(outcome, ResetPasswordOutcome::TokenInvalid);
    let outcome = store.reset_password(&password_reset(&newest), NOW).await.unwrap();
    assert!(matches!(outcome, ResetPasswordOutcome::Reset { .. }), "{outcome:?}");
}

async fn a_reset_token_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let token = request_reset(&store, &ada).await;
    let end = NOW + CODE_LIFETIME;
    assert_eq!(store.reset_target(&token.token.hash(), end).await.unwrap(), None);
    let late = store.reset_password(&password_reset(&token), end).await.unwrap();
    assert_eq!(late, ResetPasswordOutcome::TokenInvalid);
    let in_time = store.reset_password(&password_reset(&token), end - SECOND).await.unwrap();
    assert!(matches!(in_time, ResetPasswordOutcome::Reset { .. }), "{in_time:?}");
}

async fn a_disabled_account_has_no_valid_codes(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let before = request_reset(&store, &ada).await;
    let sign_in_before = request_sign_in(&store, ada.email.key()).await;
    let _ = store.disable_user(ada.id, NOW).await.unwrap();
    let during = request_reset(&store, &ada).await;
    let _ = store.enable_user(ada.id, NOW).await.unwrap();
    for token in [before, during] {
        assert_eq!(store.reset_target(&token.token.hash(), NOW).await.unwrap(), None);
        let outcome = store.reset_password(&password_reset(&token), NOW).await.unwrap();
        assert_eq!(outcome, ResetPasswordOutcome::TokenInvalid);
    }
    let outcome = sign_in(&store, &ada, &sign_in_before).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    assert!(kinds_of_mails(&store).await.is_empty());
}

async fn a_request_for_an_unknown_or_disabled_email_is_stored_without_a_user(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let _ = store.disable_user(ada.id, NOW).await.unwrap();
    let nobody = user("nobody@example.com");
    for unknown in [&nobody, &ada] {
        request_reset(&store, unknown).await;
        let code = request_sign_in(&store, unknown.email.key()).await;
        let pending = store.pending_sign_in(&code.browser, NOW).await.unwrap();
        assert_eq!(pending, Some(PendingSignIn { user: None, remember: true }));
        let events = store.events(None, None, 1_000).await.unwrap();
        let [reset, log_in] = &events[events.len() - 2..] else { unreachable!() };
        assert_eq!((&reset.1.kind, reset.1.user), (&EventKind::PasswordResetRequested, None));
        assert_eq!((&log_in.1.kind, log_in.1.user), (&EventKind::LogInCodeSent, None));
    }
    assert_eq!(store.claim_mails(NOW, 10).await.unwrap(), []);
}

async fn a_code_opens_a_session_in_its_browser_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let code = request_sign_in(&store, ada.email.key()).await;
    assert_eq!(kinds_of_mails(&store).await, ["sign_in"]);
    let pending = store.pending_sign_in(&code.browser, NOW).await.unwrap();
    assert_eq!(pending, Some(PendingSignIn { user: Some(ada.id), remember: true }));
    let end = NOW + CODE_LIFETIME;
    assert_eq!(store.pending_sign_in(&code.browser, end).await.unwrap(), None);

    let other = NewSignInCode { browser: new_sign_in_code().browser, ..code.clone() };
    assert_eq!(store.pending_sign_in(&other.browser, NOW).await.unwrap(), None);
    let outcome = sign_in(&store, &ada, &other).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    let wrong = NewSignInCode { hash: new_sign_in_code().hash, ..code.clone() };
    assert_eq!(sign_in(&store, &ada, &wrong).await, OpenSessionWithCodeOutcome::CodeWrong);

    let (mut new, _) = new_session(&ada);
    let (replaced, token) = open(&store, &ada).await;
    new.replaces = Some(token.family());
    let opened = store.open_session_with_code(&code.browser, &code.hash, &new).await.unwrap();
    let device_version = current_credentials(&store, &ada).await.device_version;
    let ended = vec![replaced.id];
    let expected = OpenSessionWithCodeOutcome::Opened { user: ada.clone(), device_version, ended };
    assert_eq!(opened, expected);
    assert!(is_alive(&store, &new.session).await && !is_alive(&store, &replaced).await);
    let event = Event::by_user(EventKind::SignedIn, NOW, client());
    let event = event.about(ada.id).in_session(new.session.id);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
    assert_eq!(store.pending_sign_in(&code.browser, NOW).await.unwrap(), None);
    assert_eq!(sign_in(&store, &ada, &code).await, OpenSessionWithCodeOutcome::CodeExpired);
}

async fn an_unverified_email_gets_no_code_for_signing_in(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let code = request_sign_in(&store, ada.email.key()).await;
    assert_eq!(kinds_of_mails(&store).await, ["sign_in_unverified"]);
    let outcome = sign_in(&store, &ada, &code).await;
    assert!(!matches!(outcome, OpenSessionWithCodeOutcome::Opened { .. }), "{outcome:?}");
}

async fn wrong_codes_for_unknown_emails_are_counted_like_others(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    for account in [ada, user("nobody@example.com")] {
        let code = request_sign_in(&store, account.email.key()).await;
        let wrong = NewSignInCode { hash: new_sign_in_code().hash, ..code.clone() };
        for _ in 1..MAX_TRIES {
            let outcome = sign_in(&store, &account, &wrong).await;
            assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeWrong);
        }
        let outcome = sign_in(&store, &account, &wrong).await;
        assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
        assert_eq!(store.pending_sign_in(&code.browser, NOW).await.unwrap(), None);
    }
}

async fn changes_of_the_account_delete_its_codes_and_mails(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for kind in ["change_password", "set_password", "reset_password", "change_email", "disable"] {
        let ada = sign_up_verified(&store, &format!("{kind}@example.com")).await;
        let (session, _) = open(&store, &ada).await;
        let email = change_to(&store, &ada, &session, &format!("new-{kind}@example.com")).await;
        let reset = request_reset(&store, &ada).await;
        let log_in = request_sign_in(&store, ada.email.key()).await;
        match kind {
            "change_password" => {
                let proof = reauthenticate(&store, &ada, &session).await;
                let done = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
                assert_eq!(done, ReauthenticatedChangeOutcome::Done);
            }
            "set_password" => {
                let done = set_password(&store, &ada, &hash()).await.unwrap();
                assert_eq!(done, UpdateUserOutcome::Updated);
            }
            "reset_password" => {
                let done = store.reset_password(&password_reset(&reset), NOW).await.unwrap();
                assert!(matches!(done, ResetPasswordOutcome::Reset { .. }));
            }
            "change_email" => {
                let done = change(&store, &session, &email).await;
                assert!(matches!(done, ChangeEmailOutcome::Changed { .. }));
            }
            _ => {
                let done = store.disable_user(ada.id, NOW).await.unwrap();
                assert_eq!(done, UpdateUserOutcome::Updated);
            }
        }
        assert_eq!(store.reset_target(&reset.token.hash(), NOW).await.unwrap(), None, "{kind}");
        assert_eq!(store.pending_sign_in(&log_in.browser, NOW).await.unwrap(), None, "{kind}");
        let mails = store.mails(None, 100).await.unwrap();
        let with_codes = ["change_email", "reset_password", "sign_in"];
        for mail in mails {
            assert!(!with_codes.contains(&mail.kind.as_str()), "{kind}: {}", mail.kind);
        }
    }
}

async fn a_deletion_leaves_only_notices(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for by_operator in [false, true] {
        let ada = sign_up_verified(&store, "ada@example.com").await;
        let (session, _) = open(&store, &ada).await;
        change_to(&store, &ada, &session, "new@example.com").await;
        let failed = request_reset(&store, &ada).await.mail.id;
        store.mail_failed(failed, "550 no such mailbox", NOW).await.unwrap();
        let log_in = request_sign_in(&store, ada.email.key()).await;
        let notice = Some(mail_id());
        if by_operator {
            let outcome = store.delete_user(ada.id, notice, NOW).await.unwrap();
            assert_eq!(outcome, UpdateUserOutcome::Updated);
        } else {
            let proof = reauthenticate(&store, &ada, &session).await;
            let outcome = store.delete_own_account(&proof, notice, NOW).await.unwrap();
            assert_eq!(outcome, ReauthenticatedChangeOutcome::Done);
        }
        assert_eq!(store.pending_sign_in(&log_in.browser, NOW).await.unwrap(), None);
        // The earlier notice is kept too: an intruder must not be able to withdraw it.
        let mut left = store.mails(None, 10).await.unwrap();
        left.sort_by(|one, other| one.kind.cmp(&other.kind));
        let kinds: Vec<_> = left.iter().map(|mail| mail.kind.as_str()).collect();
        assert_eq!(kinds, ["account_deleted", "email_change_requested"]);
        for mail in &left {
            assert_eq!((mail.recipient.as_str(), mail.user), ("ada@example.com", None));
            // Nothing is recorded about the deleted user, even if the notice fails.
            store.mail_failed(mail.id, "550 no such mailbox", NOW).await.unwrap();
        }
        let kinds: Vec<_> =
            store.activity(ada.id, 10).await.unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [EventKind::AccountDeleted]);
        let _ = store.purge_mails(NOW + FAILED_MAIL_RETENTION, 10).await.unwrap();
    }
}

async fn concurrent_resets_with_one_token_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    for _ in 0..4 {
        let token = request_reset(&servers[0], &ada).await;
        let resets: Vec<_> = (0..8).map(|_| password_reset(&token)).collect();
        let outcomes = resets.iter().enumerate();
        let outcomes = outcomes.map(|(n, reset)| servers[n % 2].reset_password(reset, NOW));
        let outcomes: Vec<_> = join_all(outcomes).await.into_iter().map(Result::unwrap).collect();
        let is_reset = |outcome: &_| matches!(outcome, ResetPasswordOutcome::Reset { .. });
        let winner = outcomes.iter().position(is_reset).unwrap();
        assert_eq!(outcomes.iter().filter(|outcome| is_reset(outcome)).count(), 1);
        let current = current_credentials(&servers[0], &ada).await;
        assert_eq!(current.password_hash, resets[winner].password);
    }
}

async fn concurrent_uses_of_one_code_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_ada(&servers[0]).await;
    let code = send_verification(&servers[0], &session, &ada).await;
    let uses = (0..8).map(|n| verify(&servers[n % 2], &session, &code));
    let verified = join_all(uses).await.into_iter();
    let verified = verified.filter(|used| matches!(used, VerifyEmailOutcome::Verified(_)));
    assert_eq!(verified.count(), 1);
    for _ in 0..4 {
        let code = request_sign_in(&servers[0], ada.email.key()).await;
        let uses = (0..8).map(|n| sign_in(&servers[n % 2], &ada, &code));
        let opened = join_all(uses).await.into_iter();
        let opened =
            opened.filter(|used| matches!(used, OpenSessionWithCodeOutcome::Opened { .. }));
        assert_eq!(opened.count(), 1);
    }
}

async fn concurrent_wrong_tries_end_a_code(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, session) = sign_in_ada(&servers[0]).await;
    for _ in 0..4 {
        send_verification(&servers[0], &session, &ada).await;
        let wrong = new_code(&ada);
        let tries = (0..12).map(|n| verify(&servers[n % 2], &session, &wrong));
        let wrong = join_all(tries).await.into_iter();
        let wrong = wrong.filter(|outcome| *outcome == VerifyEmailOutcome::CodeWrong);
        assert_eq!(wrong.count(), 4, "no try is lost");
    }
}

async fn sign_ins_that_race_with_a_reset_leave_no_session(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let ada = sign_up_verified(&servers[0], "ada@example.com").await;
    for _ in 0..6 {
        let verified = current_credentials(&servers[0], &ada).await.password_version;
        let token = request_reset(&servers[0], &ada).await;
        let log_in = request_sign_in(&servers[0], ada.email.key()).await;
        let reset = password_reset(&token);
        let sessions = [new_session(&ada).0, new_session(&ada).0];
        let with_password = sessions.iter().map(|new| servers[1].open_session(new, verified, None));
        let ((opened, reset), by_code) = join(
            join(join_all(with_password), servers[0].reset_password(&reset, NOW)),
            sign_in(&servers[1], &ada, &log_in),
        )
        .await;
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        for outcome in opened {
            let _ = outcome.unwrap();
        }
        let _ = by_code;
        assert_eq!(servers[0].sessions(ada.id, NOW).await.unwrap(), []);
    }
}

async fn a_reset_ends_a_session_that_is_refreshed_at_the_same_time(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    let policy = SessionPolicy::default();
    for _ in 0..6 {
        let (session, token) = open(&servers[0], &ada).await;
        let reset = password_reset(&request_reset(&servers[0], &ada).await);
        let (rotation, _) = rotation(&token);
        let (reset, refreshed) = join(
            servers[0].reset_password(&reset, NOW),
            servers[1].rotate_refresh_token(&rotation, &policy, NOW),
        )
        .await;
        assert!(matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. }));
        let _ = refreshed.unwrap();
        assert!(!is_alive(&servers[0], &session).await);
    }
}

async fn a_reset_and_an_email_change_with_codes_succeed_once(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..6 {
        let ada = sign_up_verified(&servers[0], &format!("ada{round}@example.com")).await;
        let (session, _) = open(&servers[0], &ada).await;
        let new_email = format!("new{round}@example.com");
        let code = change_to(&servers[0], &ada, &session, &new_email).await;
        let reset = password_reset(&request_reset(&servers[0], &ada).await);
        let (reset, changed) =
            join(servers[0].reset_password(&reset, NOW), change(&servers[1], &session, &code))
                .await;
        let is_reset = matches!(reset.unwrap(), ResetPasswordOutcome::Reset { .. });
        let is_changed = matches!(changed, ChangeEmailOutcome::Changed { .. });
        assert!(is_reset != is_changed, "each one deletes the code of the other");
        let user = servers[0].user(ada.id).await.unwrap().unwrap();
        assert_eq!(user.email.as_str() == new_email, is_changed);
    }
}
