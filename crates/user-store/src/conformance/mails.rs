//! The outbox.

use std::time::Duration;

use auth_core::{CounterKey, Email, MailId, Network, Timestamp};
use futures_util::future::join_all;

use crate::audit::{Event, EventKind};
use crate::codes::{NewResetToken, SendEmailChangeOutcome, SendOutcome, SendVerificationOutcome};
use crate::conformance::code_steps::{email_change, send_verification};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, Server, acting, creation, hash, kinds_of_mails, mail_id, new_code,
    new_reset_token, new_sign_in_code, open, reauthenticate, request_reset, sign_up,
    sign_up_verified, two_servers, user,
};
use crate::mails::{
    FAILED_MAIL_RETENTION, MAX_UNSENT_PER_NETWORK, Mail, Message, NOTICE_LIFETIME,
    RetryMailsOutcome,
};
use crate::users::{CreateUserError, UpdateUserOutcome};

cases! {
    ($) mails_cases in mails;
    a_claimed_mail_is_due_again_later_each_time,
    mails_are_claimed_in_the_order_in_which_they_are_due,
    two_servers_do_not_claim_the_same_mail,
    a_claimed_mail_has_the_message_that_was_added,
    a_sent_mail_is_deleted,
    a_deferred_mail_is_listed_with_the_reason,
    a_rejected_mail_is_listed_without_its_message_for_a_while,
    a_rejected_mail_is_not_retried,
    a_retried_mail_is_due_at_once,
    a_mail_that_is_retried_during_an_attempt_is_not_claimed_again,
    a_retried_mail_whose_server_has_stopped_is_due_after_two_minutes,
    an_expired_mail_is_deleted_and_not_claimed,
    a_purge_deletes_mails_and_codes_up_to_the_limit,
    a_rejected_mail_is_listed_after_a_new_code_and_a_change,
    a_stand_in_is_never_claimed_or_listed,
    a_new_code_deletes_the_unsent_mail_with_the_previous_one,
    one_network_cannot_fill_the_outbox,
    mails_are_listed_in_pages,
}

const MINUTE: Duration = Duration::from_mins(1);

async fn claim(store: &Server, now: Timestamp) -> Vec<Mail> {
    store.claim_mails(now, 100).await.unwrap()
}

/// Adds a mail with a reset token to a verified user with this email address.
async fn add_mail(store: &Server, email: &str) -> MailId {
    let user = sign_up_verified(store, email).await;
    request_reset(store, &user).await.mail.id
}

async fn a_claimed_mail_is_due_again_later_each_time(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up(&store, "ada@example.com").await;
    let token = new_reset_token();
    let expires_at = NOW + Duration::from_hours(4);
    let token = NewResetToken { expires_at, ..token };
    let sent = store.send_reset_token(ada.email.key(), &token, NOW).await.unwrap();
    assert_eq!(sent, SendOutcome::Stored);
    let mut now = NOW;
    for (attempt, minutes) in (1..).zip([2, 4, 8, 16, 32, 60, 60]) {
        let claimed = claim(&store, now).await;
        assert_eq!(claimed.len(), 1, "attempt {attempt}");
        assert_eq!((claimed[0].id, claimed[0].attempt), (token.mail.id, attempt));
        let listed = store.mails(None, 10).await.unwrap();
        assert_eq!(listed[0].attempts, attempt);
        assert_eq!(listed[0].next_attempt_at, Some(now + minutes * MINUTE));
        now += minutes * MINUTE;
        assert_eq!(claim(&store, now - SECOND).await, []);
    }
}

async fn mails_are_claimed_in_the_order_in_which_they_are_due(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let first = add_mail(&store, "ada@example.com").await;
    assert_eq!(claim(&store, NOW).await.len(), 1);
    let second = add_mail(&store, "grace@example.com").await;
    let later = NOW + 2 * MINUTE;
    let claimed = store.claim_mails(later, 1).await.unwrap();
    assert_eq!(claimed[0].id, second, "it was due before the second attempt of the other one");
    let claimed = store.claim_mails(later, 1).await.unwrap();
    assert_eq!(claimed[0].id, first);
    assert_eq!(store.claim_mails(later, 1).await.unwrap(), []);
}

async fn two_servers_do_not_claim_the_same_mail(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let mut added = Vec::new();
    for n in 0..12 {
        added.push(add_mail(&servers[0], &format!("user{n}@example.com")).await);
    }
    let claims = (0..8).map(|n| servers[n % 2].claim_mails(NOW, 4));
    let mut claimed = Vec::new();
    for mails in join_all(claims).await {
        claimed.extend(mails.unwrap().into_iter().map(|mail| mail.id));
    }
    // A server may find that others have claimed the mails that it has seen.
    claimed.extend(claim(&servers[0], NOW).await.into_iter().map(|mail| mail.id));
    claimed.sort();
    added.sort();
    assert_eq!(claimed, added);
}

async fn a_claimed_mail_has_the_message_that_was_added(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = user("Ada@Bücher.example");
    let code = new_code(&ada);
    store.create_user(&ada, &hash(), &creation(&ada), Some(&code)).await.unwrap();
    let [mail] = &claim(&store, NOW).await[..] else { unreachable!("one mail is due") };
    assert_eq!(mail.recipient, "Ada@xn--bcher-kva.example");
    assert_eq!((mail.created_at, mail.expires_at), (NOW, code.expires_at));
    let Message::VerifyEmail(message) = &mail.message else { unreachable!("{:?}", mail.message) };
    assert_eq!(*message.code.to_text(), *code.code.to_text());
    let requested = message.requested;
    assert_eq!((requested.at, requested.expires_at), (NOW, code.expires_at));
    assert_eq!(requested.ip, code.client.ip());
}

async fn a_sent_mail_is_deleted(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let id = add_mail(&store, "ada@example.com").await;
    store.mail_sent(id).await.unwrap();
    store.mail_sent(mail_id()).await.unwrap();
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
    assert_eq!(claim(&store, NOW + CODE_LIFETIME / 2).await, []);
}

async fn a_deferred_mail_is_listed_with_the_reason(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let id = add_mail(&store, "ada@example.com").await;
    let _ = claim(&store, NOW).await;
    store.mail_deferred(id, "451 try later").await.unwrap();
    store.mail_deferred(mail_id(), "451 try later").await.unwrap();
    let listed = store.mails(None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].reason.as_deref(), Some("451 try later"));
    assert_eq!(claim(&store, NOW + 2 * MINUTE).await[0].id, id);
}

async fn a_rejected_mail_is_listed_without_its_message_for_a_while(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let id = request_reset(&store, &ada).await.mail.id;
    let before = store.events(None, None, 100).await.unwrap().len();
    for _ in 0..2 {
        store.mail_failed(id, "550 no such mailbox", NOW).await.unwrap();
        store.mail_failed(mail_id(), "550 no such mailbox", NOW).await.unwrap();
    }
    let events = store.events(None, None, 100).await.unwrap();
    assert_eq!(events.len(), before + 1, "it is recorded once");
    let Event { kind, user, .. } = &events[before].1;
    assert_eq!((kind, *user), (&EventKind::MailFailed, Some(ada.id)));

    // Nothing that another server reports later changes it.
    store.mail_sent(id).await.unwrap();
    store.mail_deferred(id, "451 try later").await.unwrap();
    let end = NOW + FAILED_MAIL_RETENTION;
    assert_eq!(claim(&store, end - SECOND).await, []);
    let _ = store.purge_mails(end - SECOND, 10).await.unwrap();
    let [listed] = &store.mails(None, 10).await.unwrap()[..] else { unreachable!("it is listed") };
    assert_eq!((listed.failed_at, listed.next_attempt_at), (Some(NOW), None));
    assert_eq!(listed.reason.as_deref(), Some("550 no such mailbox"));
    assert_eq!(store.purge_mails(end, 10).await.unwrap(), 1);
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
}

async fn a_rejected_mail_is_not_retried(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let id = add_mail(&store, "ada@example.com").await;
    store.mail_failed(id, "550 no such mailbox", NOW).await.unwrap();
    assert_eq!(store.retry_mails(None, NOW).await.unwrap(), RetryMailsOutcome::Due(0));
    assert_eq!(store.retry_mails(Some(id), NOW).await.unwrap(), RetryMailsOutcome::Failed);
    assert_eq!(claim(&store, NOW).await, []);
}

async fn a_retried_mail_is_due_at_once(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let first = add_mail(&store, "ada@example.com").await;
    let second = add_mail(&store, "grace@example.com").await;
    let defer_both = async || {
        store.mail_deferred(first, "451 try later").await.unwrap();
        store.mail_deferred(second, "451 try later").await.unwrap();
    };
    assert_eq!(claim(&store, NOW).await.len(), 2);
    defer_both().await;
    let now = NOW + SECOND;
    assert_eq!(claim(&store, now).await, []);
    assert_eq!(store.retry_mails(Some(first), now).await.unwrap(), RetryMailsOutcome::Due(1));
    let claimed: Vec<_> = claim(&store, now).await.into_iter().map(|mail| mail.id).collect();
    assert_eq!(claimed, [first]);
    defer_both().await;
    assert_eq!(store.retry_mails(None, now).await.unwrap(), RetryMailsOutcome::Due(2));
    assert_eq!(claim(&store, now).await.len(), 2);
    store.mail_sent(second).await.unwrap();
    for id in [second, mail_id()] {
        assert_eq!(store.retry_mails(Some(id), now).await.unwrap(), RetryMailsOutcome::NotFound);
    }
}

async fn a_mail_that_is_retried_during_an_attempt_is_not_claimed_again(
    deployment: &dyn Deployment,
) {
    let [server, other] = two_servers(deployment).await;
    let id = add_mail(&server, "ada@example.com").await;
    // The second attempt: the third one would be due 4 minutes later.
    for start in [NOW, NOW + 2 * MINUTE] {
        assert_eq!(claim(&server, start).await.len(), 1);
        for (retried, id) in [(start, None), (start + SECOND, Some(id))] {
            assert_eq!(other.retry_mails(id, retried).await.unwrap(), RetryMailsOutcome::Due(1));
            assert_eq!(claim(&other, start + 2 * MINUTE - SECOND).await, []);
        }
        // Once the attempt is deferred, another retry makes the mail due.
        server.mail_deferred(id, "451 try later").await.unwrap();
    }
    let now = NOW + 3 * MINUTE;
    assert_eq!(other.retry_mails(Some(id), now).await.unwrap(), RetryMailsOutcome::Due(1));
    assert_eq!(claim(&other, now).await[0].id, id);
}

async fn a_retried_mail_whose_server_has_stopped_is_due_after_two_minutes(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let ids =
        [add_mail(&store, "ada@example.com").await, add_mail(&store, "bob@example.com").await];
    for start in [NOW, NOW + 2 * MINUTE] {
        assert_eq!(claim(&store, start).await.len(), 2);
    }
    // Without a retry, the third attempts would be due 4 minutes after the second ones.
    let retried = NOW + 2 * MINUTE + SECOND;
    assert_eq!(store.retry_mails(Some(ids[0]), retried).await.unwrap(), RetryMailsOutcome::Due(1));
    assert_eq!(claim(&store, NOW + 4 * MINUTE - SECOND).await, []);
    let claimed = claim(&store, NOW + 4 * MINUTE).await;
    assert_eq!((claimed.len(), claimed[0].id), (1, ids[0]));
    // When the claim has ended, a retry makes the mail due at once.
    let late = NOW + 5 * MINUTE;
    assert_eq!(store.retry_mails(Some(ids[1]), late).await.unwrap(), RetryMailsOutcome::Due(1));
    assert_eq!(claim(&store, late).await[0].id, ids[1]);
}

async fn an_expired_mail_is_deleted_and_not_claimed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    request_reset(&store, &ada).await;
    let end = NOW + CODE_LIFETIME;
    assert_eq!(store.purge_mails(end - SECOND, 10).await.unwrap(), 0);
    assert_eq!(store.purge_mails(end, 10).await.unwrap(), 1);
    assert_eq!(store.mails(None, 10).await.unwrap(), []);

    request_reset(&store, &ada).await;
    assert_eq!(claim(&store, end).await, []);
    // A notice expires later.
    let deleted = store.delete_user(ada.id, Some(mail_id()), NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
    let end = NOW + NOTICE_LIFETIME;
    assert_eq!(claim(&store, end - SECOND).await.len(), 1);
    assert_eq!(store.purge_mails(end - SECOND, 10).await.unwrap(), 0);
    assert_eq!(store.purge_mails(end, 10).await.unwrap(), 1);
}

async fn a_purge_deletes_mails_and_codes_up_to_the_limit(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for n in 0..3 {
        let id = add_mail(&store, &format!("user{n}@example.com")).await;
        store.mail_failed(id, "550 no such mailbox", NOW).await.unwrap();
    }
    // First the codes, and later the mails, which are listed for longer.
    for end in [NOW + CODE_LIFETIME, NOW + FAILED_MAIL_RETENTION] {
        for deleted in [2, 1, 0] {
            assert_eq!(store.purge_mails(end, 2).await.unwrap(), deleted);
        }
    }
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
}

async fn a_rejected_mail_is_listed_after_a_new_code_and_a_change(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let rejected = request_reset(&store, &ada).await.mail.id;
    store.mail_failed(rejected, "550 no such mailbox", NOW).await.unwrap();
    request_reset(&store, &ada).await;
    assert_eq!(kinds_of_mails(&store).await.len(), 2);
    let _ = store.disable_user(ada.id, NOW).await.unwrap();
    let [listed] = &store.mails(None, 10).await.unwrap()[..] else { unreachable!("it is listed") };
    assert_eq!(listed.id, rejected);
}

async fn a_stand_in_is_never_claimed_or_listed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let nobody = Email::parse("nobody@example.com").unwrap();
    let token = new_reset_token();
    let sent = store.send_reset_token(nobody.key(), &token, NOW).await.unwrap();
    assert_eq!(sent, SendOutcome::Stored);
    let id = token.mail.id;
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
    assert_eq!(store.retry_mails(Some(id), NOW).await.unwrap(), RetryMailsOutcome::NotFound);
    assert_eq!(store.retry_mails(None, NOW).await.unwrap(), RetryMailsOutcome::Due(0));
    assert_eq!(claim(&store, NOW).await, []);
}

async fn a_new_code_deletes_the_unsent_mail_with_the_previous_one(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let grace = add_mail(&store, "grace@example.com").await;
    request_reset(&store, &ada).await;
    let newest = request_reset(&store, &ada).await.mail.id;
    let mut claimed: Vec<_> = claim(&store, NOW).await.into_iter().map(|mail| mail.id).collect();
    claimed.sort();
    let mut expected = [grace, newest];
    expected.sort();
    assert_eq!(claimed, expected);
}

async fn one_network_cannot_fill_the_outbox(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let ada = sign_up_verified(&store, "ada@example.com").await;
    let (edsger, _) = sign_up(&store, "edsger@example.com").await;
    let (session, _) = open(&store, &edsger).await;
    let verification = send_verification(&store, &session, &edsger).await;
    for n in 1..MAX_UNSENT_PER_NETWORK {
        let email = Email::parse(&format!("nobody{n}@example.com")).unwrap();
        let sent = store.send_reset_token(email.key(), &new_reset_token(), NOW).await.unwrap();
        assert_eq!(sent, SendOutcome::Stored);
    }
    let request = async |token: &NewResetToken| {
        store.send_reset_token(ada.email.key(), token, NOW).await.unwrap()
    };
    assert_eq!(request(&new_reset_token()).await, SendOutcome::OutboxFull);
    let sent = store.send_sign_in_code(ada.email.key(), &new_sign_in_code(), NOW).await.unwrap();
    assert_eq!(sent, SendOutcome::OutboxFull);
    let verify = async || {
        store.send_verification_code(&acting(&session), &new_code(&edsger), NOW).await.unwrap()
    };
    assert_eq!(verify().await, SendVerificationOutcome::OutboxFull);
    let proof = reauthenticate(&store, &edsger, &session).await;
    let change = email_change(&edsger, "new@example.com");
    let sent = store.send_email_change_code(&proof, &change, NOW).await.unwrap();
    assert_eq!(sent, SendEmailChangeOutcome::OutboxFull);
    let grace = user("grace@example.com");
    let code = new_code(&grace);
    let created = store.create_user(&grace, &hash(), &creation(&grace), Some(&code)).await;
    assert!(matches!(created, Err(CreateUserError::OutboxFull)), "{created:?}");
    assert_eq!(store.user(grace.id).await.unwrap(), None);
    assert_eq!(kinds_of_mails(&store).await, ["verify_email"]);

    // Other networks, and notices, are not affected.
    let mut elsewhere = new_reset_token();
    let network = Network::of(Some([198, 51, 100, 1].into()));
    elsewhere.mail.network = CounterKey::mails_by_network(network);
    assert_eq!(request(&elsewhere).await, SendOutcome::Stored);
    let deleted = store.delete_user(ada.id, Some(mail_id()), NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
    assert_eq!(kinds_of_mails(&store).await, ["account_deleted", "verify_email"]);

    // A rejected mail does not count, and a claim deletes the mails that stand in for others.
    store.mail_failed(verification.mail.id, "550 no such mailbox", NOW).await.unwrap();
    assert_eq!(verify().await, SendVerificationOutcome::Stored);
    assert_eq!(verify().await, SendVerificationOutcome::OutboxFull);
    assert_eq!(claim(&store, NOW).await.len(), 2);
    assert_eq!(verify().await, SendVerificationOutcome::Stored);
}

async fn mails_are_listed_in_pages(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let mut added = Vec::new();
    for n in 0..5 {
        added.push(add_mail(&store, &format!("user{n}@example.com")).await);
    }
    added.sort();
    let mut listed: Vec<MailId> = Vec::new();
    loop {
        let page = store.mails(listed.last().copied(), 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        listed.extend(page.into_iter().map(|mail| mail.id));
    }
    assert_eq!(listed, added);
}
