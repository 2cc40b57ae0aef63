//! The recipient, the sender and the text of every kind of mail.

use accounts::{
    ChangePassword, EventKind, OutgoingMail, RequestEmailChange, RequestSignInCode, SignIn,
};

use super::app::{MailApp, OTHER, caller, code, subjects, token};
use crate::app::{NEW_PASSWORD, PASSWORD};

const EMAIL: &str = "Ada@bücher.example";
const NEW_EMAIL: &str = "Ada@例え.テスト";

async fn app() -> MailApp {
    MailApp::with_config(|config| config.app_name = "Otter Watch".to_owned()).await
}

/// Makes requests for mails of every kind, and changes with a notice, but does not delete the
/// account. Returns the mails.
async fn request_mails(app: &MailApp) -> Vec<OutgoingMail> {
    let caller = &caller();
    app.sign_up(EMAIL, PASSWORD, caller).await.unwrap();
    let mut mails = app.deliver().await;
    let sign_in_code = RequestSignInCode { email: EMAIL, remember: false, caller };
    app.request_sign_in_code(sign_in_code).await.unwrap();
    mails.extend(app.deliver().await);
    let ada = app.signed_in(EMAIL).await;
    app.send_verification_code(&ada, caller).await.unwrap();
    let verification = app.deliver_one().await;
    app.verify_email(&ada, &code(&verification), caller).await.unwrap();
    mails.push(verification);
    app.request_sign_in_code(sign_in_code).await.unwrap();
    mails.extend(app.deliver().await);

    app.request_password_reset("ADA@xn--bcher-kva.example", caller).await.unwrap();
    let reset = app.deliver_one().await;
    app.reset_password(&token(&reset), NEW_PASSWORD, caller).await.unwrap();
    mails.push(reset);
    mails.extend(app.deliver().await);

    let tokens =
        app.sign_in(SignIn::new(EMAIL, NEW_PASSWORD, caller)).await.unwrap().into_tokens().unwrap();
    let signed_in = &app.session_of(&tokens).await;
    let (current_password, new_password) = (NEW_PASSWORD, PASSWORD);
    let change = ChangePassword { signed_in, current_password, new_password, caller };
    app.change_password(change).await.unwrap();
    mails.extend(app.deliver().await);

    app.sign_up(OTHER, PASSWORD, caller).await.unwrap();
    let (grace, password) = (&app.signed_in(OTHER).await, PASSWORD);
    let change = RequestEmailChange { signed_in: grace, new_email: EMAIL, password, caller };
    app.request_email_change(change).await.unwrap();
    mails.extend(app.deliver().await);
    let change = RequestEmailChange { signed_in, new_email: NEW_EMAIL, password, caller };
    app.request_email_change(change).await.unwrap();
    let sent = app.deliver().await;
    let code = code(sent.iter().find(|mail| mail.subject.contains("new e-mail")).unwrap());
    mails.extend(sent);
    app.change_email(signed_in, &code, caller).await.unwrap();
    mails.extend(app.deliver().await);
    mails
}

#[tokio::test]
async fn the_recipient_has_an_ascii_domain_and_the_subject_the_name_of_the_app() {
    let app = app().await;
    let mut mails = request_mails(&app).await;
    let ada = app.signed_in(NEW_EMAIL).await;
    let _ = app.delete_account(&ada, PASSWORD, &caller()).await.unwrap();
    mails.extend(app.deliver().await);
    assert_eq!(
        subjects(&mails),
        [
            "Ada@xn--bcher-kva.example: A change of your e-mail address was requested at Otter Watch",
            "Ada@xn--bcher-kva.example: Confirm your e-mail address for Otter Watch",
            "Ada@xn--bcher-kva.example: Confirm your e-mail address for Otter Watch",
            "Ada@xn--bcher-kva.example: Log in to Otter Watch",
            "Ada@xn--bcher-kva.example: Reset your password for Otter Watch",
            "Ada@xn--bcher-kva.example: Your code to log in to Otter Watch",
            "Ada@xn--bcher-kva.example: Your e-mail address already has an account at Otter Watch",
            "Ada@xn--bcher-kva.example: Your e-mail address was changed at Otter Watch",
            "Ada@xn--bcher-kva.example: Your password was changed at Otter Watch",
            "Ada@xn--bcher-kva.example: Your password was reset at Otter Watch",
            "Ada@xn--r8jz45g.xn--zckzah: Confirm your new e-mail address for Otter Watch",
            "Ada@xn--r8jz45g.xn--zckzah: Your account was deleted at Otter Watch",
            "grace@example.com: Confirm your e-mail address for Otter Watch",
        ]
    );
}

#[tokio::test]
async fn a_mail_names_its_sender_and_the_time_and_the_ip_address_of_the_request() {
    let app = app().await;
    let mails = request_mails(&app).await;
    let origin = "\
Service:    Otter Watch
Time:       2023-11-14 22:13 UTC
IP address: 192.0.2.1
";
    for mail in &mails {
        assert_eq!(mail.from_name, "Otter Watch", "{}", mail.subject);
        assert!(mail.text.contains(origin), "{}", mail.text);
        assert!(!mail.text.contains("Browser"), "{}", mail.text);
    }
}

#[tokio::test]
async fn a_test_mail_has_an_ascii_domain_and_the_name_of_the_app() {
    let app = app().await;
    app.operator().send_test_mail(EMAIL).await.unwrap();
    let mails = app.mailbox.take();
    let [OutgoingMail { to, from_name, .. }] = &mails[..] else { unreachable!() };
    assert_eq!((to.as_str(), from_name.as_str()), ("Ada@xn--bcher-kva.example", "Otter Watch"));
}

#[tokio::test]
async fn the_audit_events_of_mails_and_their_changes_have_the_client() {
    let app = app().await;
    request_mails(&app).await;
    let events = app.operator().events(None, None, 100).await.unwrap();
    for kind in [
        EventKind::EmailVerified,
        EventKind::LogInCodeSent,
        EventKind::PasswordResetRequested,
        EventKind::PasswordReset,
        EventKind::EmailChangeRequested,
        EventKind::EmailChanged,
    ] {
        let of_kind: Vec<_> = events.iter().filter(|(_, event)| event.kind == kind).collect();
        assert!(!of_kind.is_empty(), "{kind:?}");
        for (_, event) in of_kind {
            assert_eq!(event.client, caller().client, "{kind:?}");
        }
    }
}
