//! Mails with invitations.

use accounts::{Email, EventKind, Invitation, InvitationToken};

use super::app::{MailApp, caller, subjects};
use crate::app::{EMAIL, PASSWORD};

#[tokio::test]
async fn an_invitation_is_sent_and_the_account_still_verifies_its_email_address() {
    let app = MailApp::with_config(|config| config.sign_up = false).await;
    let (email, lifetime) = (Email::parse(EMAIL).unwrap(), Invitation::DEFAULT_LIFETIME);
    // The command line adds the mail, and the server sends it.
    let expires_at =
        app.command().await.operator().send_invitation(&email, lifetime).await.unwrap();
    assert_eq!(expires_at, app.now() + lifetime);
    let mail = app.deliver_one().await;
    assert_eq!(mail.to, EMAIL);
    let link = mail.text.lines().find(|line| line.contains("/signup#")).unwrap();
    let token = link.strip_prefix("https://auth.example.com/signup#invitation=").unwrap();
    assert!(InvitationToken::parse(token).is_ok(), "{token}");
    let user = app.sign_up_with_invitation(EMAIL, PASSWORD, token, &caller()).await.unwrap();
    assert_eq!(user.email_verified_at, None);
    assert_eq!(
        subjects(&app.deliver().await),
        [format!("{EMAIL}: Confirm your e-mail address for auth.example.com")]
    );
    let events = app.operator().events(None, None, 10).await.unwrap();
    let kinds: Vec<_> = events.into_iter().map(|(_, event)| event.kind).collect();
    assert!(kinds.contains(&EventKind::InvitationCreated), "{kinds:?}");
}
