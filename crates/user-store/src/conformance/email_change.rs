//! Changes of email addresses.

use auth_core::Email;

use crate::audit::EventKind;
use crate::codes::{ChangeEmailOutcome, MAX_TRIES, SendEmailChangeOutcome};
use crate::conformance::code_steps::{change, change_to, email_change, kinds_of_events};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, acting, current_credentials, find_credentials, is_alive,
    kinds_of_mails, mail_id, new_code, open, reauthenticate, request_reset, sign_in_ada, sign_out,
    sign_up, sign_up_verified,
};
use crate::mails::Message;
use crate::users::{Reauthentication, User};

cases! {
    ($) email_change_cases in email_change;
    a_code_changes_the_email,
    a_taken_email_gets_a_mail_without_a_code,
    a_code_for_an_email_that_was_taken_meanwhile_is_used_up,
    an_email_change_is_rejected_without_writing,
    five_wrong_tries_end_a_code_for_a_new_email,
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

async fn five_wrong_tries_end_a_code_for_a_new_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session) = sign_in_ada(&store).await;
    let code = change_to(&store, &ada, &session, "new@example.com").await;
    let late = store.change_email(&acting(&session), &code.hash, None, NOW + CODE_LIFETIME).await;
    assert_eq!(late.unwrap(), ChangeEmailOutcome::CodeExpired);
    let wrong = new_code(&ada);
    for _ in 1..MAX_TRIES {
        assert_eq!(change(&store, &session, &wrong).await, ChangeEmailOutcome::CodeWrong);
    }
    assert_eq!(change(&store, &session, &wrong).await, ChangeEmailOutcome::CodeExpired);
    assert_eq!(change(&store, &session, &code).await, ChangeEmailOutcome::CodeExpired);
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada));
}
