//! Mails in the app's own words: a user signs up and verifies the email address.
#![expect(clippy::print_stdout, reason = "this is a command-line program")]
use std::convert::Infallible;

use accounts::{
    AccountEvent, Accounts, Caller, DefaultMailText, EventKind, MailContext, MailText,
    MailTextSource, MailTransport, Message, OutgoingMail, SendMailError, SignIn,
};

/// Prints mails. A real app sends them with the crate `mail`, or with the API of its provider.
struct Print;

#[async_trait::async_trait]
impl MailTransport for Print {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), SendMailError> {
        println!("To: {}\nSubject: {}\n\n{}", mail.to, mail.subject, mail.text);
        Ok(())
    }
}

/// The app's own words for one kind of mail.
struct Words;

impl MailTextSource for Words {
    fn text(&self, message: &Message, context: &MailContext<'_>) -> MailText {
        let Message::VerifyEmail(verify) = message else {
            return DefaultMailText.text(message, context);
        };
        let subject = format!("Welcome to {}", context.app_name);
        let link = context.verify_link(&verify.code);
        MailText { subject, text: format!("Please confirm your e-mail address:\n\n{link}\n") }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let accounts = Accounts::builder()
        .sqlite("app.db")
        .public_url("https://app.example")
        .app_name("Example")
        .mail(Print)
        .mail_text(Words)
        .on_event("mail", async |event: AccountEvent| -> Result<(), Infallible> {
            if let (EventKind::EmailVerified, Some(user)) = (event.event.kind, event.user) {
                println!("{} was verified", user.email.as_str());
            }
            Ok(())
        })
        .build()
        .await?;
    let (email, password) = ("ada@example.com", "a long walk by the sea");
    let caller = Caller::default(); // in a real app: the IP address of the client
    accounts.sign_up(email, password, &caller).await?; // the mail is printed in the background

    let mut code = String::new();
    std::io::stdin().read_line(&mut code)?;
    let outcome = accounts.sign_in(SignIn::new(email, password, &caller)).await?;
    let tokens = outcome.into_tokens().ok_or("a second factor is required")?;
    let signed_in = accounts.authenticate(tokens.access.token.as_str()).await?;
    let user = accounts.verify_email(&signed_in, &code, &caller).await?;
    println!("verified: {}", user.email_verified_at.is_some());
    accounts.deliver_events().await?; // also done in the background
    Ok(())
}
