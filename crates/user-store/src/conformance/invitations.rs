//! Invitations, and the accounts that are created with them.

use auth_core::{Email, EmailKey, InvitationToken, SystemRandom, Timestamp};
use futures_util::future::{join, join_all};

use crate::audit::EventKind;
use crate::codes::{ChangeEmailOutcome, InviteOutcome, NewInvitation};
use crate::conformance::code_steps::{change, change_to, kinds_of_events};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    CODE_LIFETIME, NOW, SECOND, Server, creation, hash, kinds_of_mails, mail_id, new_code, open,
    sign_up, two_servers, user,
};
use crate::metadata::Metadata;
use crate::users::{CreateUserError, ImportUsersOutcome, StoredUser, UpdateUserOutcome, User};

const ADA: &str = "ada@example.com";

cases! {
    ($) invitations_cases in invitations;
    an_invitation_creates_one_account,
    an_invitation_belongs_to_its_email_address,
    an_invitation_expires,
    only_the_newest_invitation_is_valid,
    concurrent_sign_ups_with_one_invitation_create_one_account,
    an_email_address_with_an_account_is_not_invited,
    an_invitation_does_not_survive_an_account_that_was_created_without_it,
    an_invitation_does_not_survive_an_account_that_had_its_email_address,
    an_invitation_that_fails_is_not_used,
    the_mail_of_an_invitation_is_deleted_with_it,
    invitations_race_with_sign_ups,
}

fn new_invitation() -> NewInvitation {
    NewInvitation {
        token: InvitationToken::generate(&SystemRandom),
        expires_at: NOW + CODE_LIFETIME,
        mail: None,
    }
}

async fn invite(store: &Server, email: &str) -> NewInvitation {
    let invitation = new_invitation();
    let outcome = store.invite(&Email::parse(email).unwrap(), &invitation, NOW).await.unwrap();
    assert_eq!(outcome, InviteOutcome::Stored);
    invitation
}

/// Creates an account with an invitation.
async fn accept(
    store: &Server,
    email: &str,
    invitation: &NewInvitation,
) -> Result<User, CreateUserError> {
    accept_at(store, email, invitation, NOW).await
}

async fn accept_at(
    store: &Server,
    email: &str,
    invitation: &NewInvitation,
    now: Timestamp,
) -> Result<User, CreateUserError> {
    let user = User { created_at: now, ..user(email) };
    let (event, token) = (creation(&user), invitation.token.hash());
    store.create_invited_user(&user, &hash(), &event, None, &token).await?;
    Ok(user)
}

#[track_caller]
fn assert_invalid(outcome: &Result<User, CreateUserError>) {
    assert!(matches!(outcome, Err(CreateUserError::InvitationInvalid)), "{outcome:?}");
}

async fn delete(store: &Server, user: &User) {
    let deleted = store.delete_user(user.id, None, NOW).await.unwrap();
    assert_eq!(deleted, UpdateUserOutcome::Updated);
}

async fn an_invitation_creates_one_account(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let invitation = invite(&store, "Ada@Example.com").await;
    let ada = accept(&store, ADA, &invitation).await.unwrap();
    assert_eq!(store.user(ada.id).await.unwrap(), Some(ada.clone()));
    assert_eq!(ada.email_verified_at, None, "the invitation does not verify the address");
    assert_invalid(&accept(&store, ADA, &invitation).await);
    delete(&store, &ada).await;
    assert_invalid(&accept(&store, ADA, &invitation).await);
    let created = EventKind::InvitationCreated;
    assert_eq!(kinds_of_events(&store).await, [created, EventKind::AccountDeleted]);
}

async fn an_invitation_belongs_to_its_email_address(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let of_ada = invite(&store, ADA).await;
    let of_grace = invite(&store, "grace@example.com").await;
    assert_invalid(&accept(&store, ADA, &of_grace).await);
    assert_invalid(&accept(&store, "eve@example.com", &of_ada).await);
    assert_invalid(&accept(&store, ADA, &new_invitation()).await);
    assert_eq!(store.user_by_email(&EmailKey::parse(ADA).unwrap()).await.unwrap(), None);
    accept(&store, ADA, &of_ada).await.unwrap();
    accept(&store, "grace@example.com", &of_grace).await.unwrap();
}

async fn an_invitation_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let invitation = invite(&store, ADA).await;
    assert_invalid(&accept_at(&store, ADA, &invitation, invitation.expires_at).await);
    accept_at(&store, ADA, &invitation, invitation.expires_at - SECOND).await.unwrap();
    // An invitation that has expired is deleted with the codes.
    let late = invite(&store, "grace@example.com").await;
    assert_eq!(store.purge_mails(late.expires_at, 10).await.unwrap(), 1);
    assert_invalid(&accept(&store, "grace@example.com", &late).await);
}

async fn only_the_newest_invitation_is_valid(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let former = invite(&store, ADA).await;
    let newest = invite(&store, "ADA@example.com").await;
    assert_invalid(&accept(&store, ADA, &former).await);
    accept(&store, ADA, &newest).await.unwrap();
}

async fn concurrent_sign_ups_with_one_invitation_create_one_account(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..4 {
        let email = format!("user{round}@example.com");
        let invitation = invite(&servers[0], &email).await;
        let sign_ups = (0..8).map(|n| accept(&servers[n % 2], &email, &invitation));
        let outcomes = join_all(sign_ups).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        for rejected in outcomes.iter().filter(|outcome| outcome.is_err()) {
            assert_invalid(rejected);
        }
    }
}

async fn an_email_address_with_an_account_is_not_invited(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up(&store, ADA).await;
    let events = kinds_of_events(&store).await;
    let invitation = NewInvitation { mail: Some(mail_id()), ..new_invitation() };
    let email = Email::parse("ADA@example.com").unwrap();
    let outcome = store.invite(&email, &invitation, NOW).await.unwrap();
    assert_eq!(outcome, InviteOutcome::EmailTaken);
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
    assert_eq!(kinds_of_events(&store).await, events);
    delete(&store, &ada).await;
    assert_invalid(&accept(&store, ADA, &invitation).await);
}

async fn an_invitation_does_not_survive_an_account_that_was_created_without_it(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let invitation = invite(&store, ADA).await;
    let (ada, _) = sign_up(&store, ADA).await;
    assert_invalid(&accept(&store, ADA, &invitation).await);
    delete(&store, &ada).await;
    assert_invalid(&accept(&store, ADA, &invitation).await);
}

/// The address of an account may have been imported or changed while it was invited.
async fn an_invitation_does_not_survive_an_account_that_had_its_email_address(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    let invitation = invite(&store, ADA).await;
    let imported =
        StoredUser { user: user(ADA), password_hash: hash(), metadata: Metadata::default() };
    let outcome = store.import_users(std::slice::from_ref(&imported), NOW).await.unwrap();
    assert_eq!(outcome, ImportUsersOutcome::Imported);
    let taken = accept(&store, ADA, &invitation).await;
    assert!(matches!(taken, Err(CreateUserError::EmailTaken)), "{taken:?}");
    delete(&store, &imported.user).await;
    assert_invalid(&accept(&store, ADA, &invitation).await);

    let invitation = invite(&store, ADA).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    for email in [ADA, "grace@example.org"] {
        let grace = store.user(grace.id).await.unwrap().unwrap();
        let (session, _) = open(&store, &grace).await;
        let code = change_to(&store, &grace, &session, email).await;
        let changed = change(&store, &session, &code).await;
        assert!(matches!(changed, ChangeEmailOutcome::Changed { .. }), "{changed:?}");
    }
    assert_invalid(&accept(&store, ADA, &invitation).await);
}

async fn an_invitation_that_fails_is_not_used(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let invitation = invite(&store, ADA).await;
    let (ada, other) = (user(ADA), new_invitation().token.hash());
    let (hash, event, code) = (hash(), creation(&ada), new_code(&ada));
    let rejected = store.create_invited_user(&ada, &hash, &event, Some(&code), &other).await;
    assert!(matches!(rejected, Err(CreateUserError::InvitationInvalid)), "{rejected:?}");
    assert_eq!(store.mails(None, 10).await.unwrap(), []);
    assert_eq!(kinds_of_events(&store).await, [EventKind::InvitationCreated]);
    accept(&store, ADA, &invitation).await.unwrap();
}

async fn the_mail_of_an_invitation_is_deleted_with_it(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    for _ in 0..2 {
        let invitation = NewInvitation { mail: Some(mail_id()), ..new_invitation() };
        let email = Email::parse("Ada@bücher.example").unwrap();
        let outcome = store.invite(&email, &invitation, NOW).await.unwrap();
        assert_eq!(outcome, InviteOutcome::Stored);
        let [mail] = &store.mails(None, 10).await.unwrap()[..] else { unreachable!("one mail") };
        assert_eq!(Some(mail.id), invitation.mail, "the newest one");
        assert_eq!((mail.kind.as_str(), mail.user), ("invitation", None));
        assert_eq!(mail.recipient, "Ada@xn--bcher-kva.example");
        assert_eq!(mail.expires_at, invitation.expires_at);
    }
    let ada = user("ada@bücher.example");
    let code = new_code(&ada);
    store.create_user(&ada, &hash(), &creation(&ada), Some(&code)).await.unwrap();
    assert_eq!(kinds_of_mails(&store).await, ["verify_email"]);
}

/// Whatever comes first, the account is created once, and no invitation survives its deletion.
async fn invitations_race_with_sign_ups(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    for round in 0..8 {
        let email = Email::parse(&format!("user{round}@example.com")).unwrap();
        let invitations: Vec<_> = (0..3).map(|_| new_invitation()).collect();
        let invites = invitations.iter().map(|new| servers[0].invite(&email, new, NOW));
        let (invited, (user, _)) =
            join(join_all(invites), sign_up(&servers[1], email.as_str())).await;
        for outcome in invited {
            let _ = outcome.unwrap();
        }
        delete(&servers[1], &user).await;
        for invitation in &invitations {
            assert_invalid(&accept(&servers[0], email.as_str(), invitation).await);
        }
    }
}
