//! Signing in by email.

use crate::audit::{Event, EventKind};
use crate::codes::{
    MAX_TRIES, NewSignInCode, OpenSessionWithCodeOutcome, PendingSignIn, SendOutcome,
};
use crate::conformance::code_steps::{request_sign_in, sign_in};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, client, current_credentials, is_alive, kinds_of_mails, new_session,
    new_sign_in_code, open, sign_up_ada, sign_up_verified, user,
};

cases! {
    ($) email_sign_in_cases in email_sign_in;
    a_code_opens_a_session_in_its_browser_once,
    an_unverified_email_gets_no_code_for_signing_in,
    wrong_codes_for_unknown_emails_are_counted_like_others,
    only_the_newest_code_for_signing_in_is_valid,
    a_code_opens_no_session_of_another_user,
}

async fn a_code_opens_a_session_in_its_browser_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let code = request_sign_in(&store, ada.email.key()).await;
    assert_eq!(kinds_of_mails(&store).await, ["sign_in"]);
    let pending = store.pending_sign_in(&code.browser, &code.hash, NOW).await.unwrap();
    assert_eq!(
        pending,
        Some(PendingSignIn { user: Some(ada.id), remember: true, is_code_right: true })
    );
    let end = NOW + CODE_LIFETIME;
    assert_eq!(store.pending_sign_in(&code.browser, &code.hash, end).await.unwrap(), None);

    let other = NewSignInCode { browser: new_sign_in_code().browser, ..code.clone() };
    assert_eq!(store.pending_sign_in(&other.browser, &other.hash, NOW).await.unwrap(), None);
    let outcome = sign_in(&store, &ada, &other).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    let wrong = NewSignInCode { hash: new_sign_in_code().hash, ..code.clone() };
    let pending = store.pending_sign_in(&wrong.browser, &wrong.hash, NOW).await.unwrap();
    assert!(!pending.unwrap().is_code_right);
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
    let event = event.about(ada.id).in_session(new.session.id).with_amr(new.session.amr);
    assert_eq!(store.activity(ada.id, 1).await.unwrap(), [event]);
    assert_eq!(store.pending_sign_in(&code.browser, &code.hash, NOW).await.unwrap(), None);
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
        assert_eq!(store.pending_sign_in(&code.browser, &code.hash, NOW).await.unwrap(), None);
    }
}

async fn only_the_newest_code_for_signing_in_is_valid(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let former = request_sign_in(&store, ada.email.key()).await;
    let end = NOW + CODE_LIFETIME;
    let newest = NewSignInCode { expires_at: end + SECOND, remember: false, ..new_sign_in_code() };
    let sent = store.send_sign_in_code(ada.email.key(), &newest, NOW).await.unwrap();
    assert_eq!(sent, SendOutcome::Stored);
    assert_eq!(store.pending_sign_in(&former.browser, &former.hash, NOW).await.unwrap(), None);
    let pending = store.pending_sign_in(&newest.browser, &newest.hash, end).await.unwrap();
    assert_eq!(
        pending,
        Some(PendingSignIn { user: Some(ada.id), remember: false, is_code_right: true })
    );
    let outcome = sign_in(&store, &ada, &former).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    let outcome = sign_in(&store, &ada, &newest).await;
    assert!(matches!(outcome, OpenSessionWithCodeOutcome::Opened { .. }), "{outcome:?}");
}

async fn a_code_opens_no_session_of_another_user(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let grace = sign_up_verified(&store, "grace@example.com").await;
    let code = request_sign_in(&store, ada.email.key()).await;
    let outcome = sign_in(&store, &grace, &code).await;
    assert_eq!(outcome, OpenSessionWithCodeOutcome::CodeExpired);
    assert_eq!(store.sessions(grace.id, NOW).await.unwrap(), []);
}
