use crate::browser::in_chromium;
use crate::factors::SetUp;
use crate::mail::mailbox::visit_with_mail;
use crate::visitor::{EMAIL, NEW, REMEMBER, Visitor};

impl Visitor {
    /// Signs up, verifies the email address, and sets up an app without the pages.
    async fn has_a_verified_account_with_an_app(&self) -> SetUp {
        self.logs_in().await;
        self.open(&self.mail(EMAIL, 1).await.link("/verify")).await;
        self.presses("Confirm").await;
        self.message("status").await;
        let set_up = self.sets_up_an_app(self.token().await.unwrap());
        let notice = self.mail(EMAIL, 2).await;
        assert!(notice.subject.contains("Two-step log-in"), "{notice:?}");
        self.presses("Log out").await;
        self.until("location.pathname === '/login'").await;
        set_up
    }
}

#[tokio::test]
async fn factors_can_be_added_once_the_email_address_is_verified() {
    visit_with_mail(&[], async |ada| {
        ada.logs_in().await;
        ada.opens_the_factors().await;
        let text = "document.querySelector('main').innerText";
        ada.until(&format!(
            "{text}.includes('Confirm your e-mail address before you set up an app.')
             && {text}.includes('Confirm your e-mail address before you add a passkey.')"
        ))
        .await;
        let names = ada.names("button").await;
        assert!(!names.iter().any(|name| name.contains("app") || name.contains("passkey")));
        ada.open(&ada.mail(EMAIL, 1).await.link("/verify")).await;
        ada.presses("Confirm").await;
        ada.message("status").await;
        ada.follows("/settings").await;
        ada.presses("Set up an app").await;
        ada.is_led_to("Set up an app").await;
    })
    .await;
}

#[tokio::test]
async fn a_code_from_a_mail_is_the_first_of_two_steps() {
    in_chromium(visit_with_mail(&["--email-log-in", "on"], async |ada| {
        let SetUp { app, .. } = ada.has_a_verified_account_with_an_app().await;
        ada.open("/login/email").await;
        ada.types("email", EMAIL).await;
        ada.field("remember").await.click().await.unwrap();
        ada.presses("Send code").await;
        let code = ada.mail(EMAIL, 3).await.code();
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.can_read_the_page().await;
        ada.passes_axe("the second step on /login/email").await;
        assert!(ada.token().await.is_none());
        ada.enters_the_code(&app.code()).await;
        ada.arrives_at("/private").await;
        assert_eq!(ada.refresh_cookie().await.unwrap()["session"], false, "it is remembered");
        ada.opens_a_tab().await;
        ada.open("/private").await;
        ada.sees_the_account().await;

        ada.presses("Log out").await;
        ada.until("location.pathname === '/login'").await;
        ada.open("/login/email").await;
        ada.types("email", EMAIL).await;
        ada.field("remember").await.click().await.unwrap();
        ada.presses("Send code").await;
        let code = ada.mail(EMAIL, 4).await.code();
        // The page may have been reloaded while the user was reading the mail.
        ada.open("/login/email").await;
        ada.presses("I already have a code").await;
        ada.types("code", &code).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.presses("Start over").await;
        ada.button("Send code").await;
        ada.until("document.activeElement.name === 'email'").await;
        assert_eq!(ada.script(REMEMBER).await, true);
    }))
    .await;
}

#[tokio::test]
async fn a_password_reset_removes_no_factor() {
    visit_with_mail(&[], async |ada| {
        let SetUp { recovery_codes, .. } = ada.has_a_verified_account_with_an_app().await;
        ada.forgets_the_password(EMAIL).await;
        ada.open(&ada.mail(EMAIL, 3).await.link("/reset")).await;
        ada.types("new_password", NEW).await;
        ada.presses("Set new password").await;
        ada.until("location.pathname === '/login'").await;
        ada.types("password", NEW).await;
        ada.presses("Log in").await;
        ada.sees_the_second_step().await;
        ada.presses("Use a recovery code").await;
        ada.enters_the_recovery_code(&recovery_codes[0]).await;
        ada.arrives_at("/private").await;
    })
    .await;
}
