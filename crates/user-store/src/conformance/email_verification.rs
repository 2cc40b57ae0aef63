//! Verification of email addresses.

use futures_util::future::join_all;

use crate::audit::{Event, EventKind};
use crate::codes::{MAX_TRIES, SendVerificationOutcome, VerifyEmailOutcome};
use crate::conformance::code_steps::{change_to, kinds_of_events, send_verification, verify};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, acting, client, creation, hash, kinds_of_mails, new_code, open,
    sign_in_ada, sign_up, sign_up_ada, sign_up_verified, two_servers, user,
};
use crate::users::{CreateUserError, UpdateUserOutcome, User};

cases! {
    ($) email_verification_cases in email_verification;
    a_code_verifies_the_email_once,
    a_sign_up_stores_a_code_that_verifies_the_email,
    a_sign_up_with_a_taken_email_adds_no_mail,
    five_wrong_tries_end_a_code,
    a_code_expires,
    only_the_newest_code_is_valid,
    a_verified_email_gets_no_code,
    a_code_is_valid_only_for_its_user,
    an_operator_verifies_an_email_once,
    concurrent_wrong_tries_end_a_code,
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
    // Four wrong tries do not end a code, and the code that replaces it has new tries.
    send_verification(&store, &session, &ada).await;
    for _ in 1..MAX_TRIES {
        assert_eq!(verify(&store, &session, &wrong).await, VerifyEmailOutcome::CodeWrong);
    }
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
