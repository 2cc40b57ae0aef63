//! The subjects and texts of mails.

use std::fmt::Write as _;
use std::net::IpAddr;

use auth_core::{InvitationToken, OneTimeCode, Origin, ResetToken, Timestamp};
use user_store::{
    Actor, CodeMessage, InvitationMessage, Message, Notice, NoticeKind, Requested, ResetMessage,
};
use zeroize::Zeroizing;

/// The wording of mails. [`DefaultMailText`] is Latchkey's own. An app can replace it with
/// [`Builder::mail_text`](crate::Builder::mail_text).
///
/// A text should contain nothing that a stranger can choose, such as a name or a user agent: the
/// request may come from somebody else than the recipient.
pub trait MailTextSource: Send + Sync + 'static {
    /// Returns the text of a mail. It is called for every attempt to send the mail, and should
    /// return the same text each time.
    fn text(&self, message: &Message, context: &MailContext<'_>) -> MailText;
}

/// The subject and the text of a mail. It may contain a secret, so `Debug` is not implemented.
#[derive(Clone, PartialEq, Eq)]
pub struct MailText {
    /// The subject, in one line.
    pub subject: String,
    /// The plain text. Lines end with `\n`. They should have at most 76 characters, except for a
    /// line that is a link.
    pub text: String,
}

/// The service that sends a mail, and the recipient.
#[derive(Debug, Clone, Copy)]
pub struct MailContext<'a> {
    /// The name of the app, or the host of its public URL if it has no name of its own.
    pub app_name: &'a str,
    /// The public URL. All links begin with it.
    pub origin: &'a Origin,
    /// The email address of the recipient, with its domain in ASCII.
    pub recipient: &'a str,
}

/// Latchkey's own texts: English, in ASCII.
#[derive(Debug, Clone, Copy, Default)]
pub struct DefaultMailText;

/// The maximum length of the name of an app in a mail, in characters.
const MAX_NAME: usize = 60;

impl MailContext<'_> {
    /// Returns the link to the page that sets a new password with this token.
    #[must_use]
    pub fn reset_link(&self, token: &ResetToken) -> String {
        let mut link = self.link("/reset#");
        let start = link.len();
        form_urlencoded::Serializer::for_suffix(&mut link, start)
            .append_pair("token", &token.to_text())
            .append_pair("email", self.recipient);
        link
    }

    /// Returns the link to the page that verifies the email address with this code.
    #[must_use]
    pub fn verify_link(&self, code: &OneTimeCode) -> String {
        let mut link = self.link("/verify#");
        let start = link.len();
        form_urlencoded::Serializer::for_suffix(&mut link, start)
            .append_pair("code", &code.to_text());
        link
    }

    /// Returns the link to the page that creates an account with this invitation.
    #[must_use]
    pub fn invitation_link(&self, token: &InvitationToken) -> String {
        invitation_link(self.origin, token).to_string()
    }

    /// Returns the link to the page on which users change their account.
    #[must_use]
    pub fn settings_link(&self) -> String {
        self.link("/settings")
    }

    /// Returns the link to the page on which anyone can request a mail to reset their password.
    #[must_use]
    pub fn forgot_link(&self) -> String {
        self.link("/forgot")
    }

    fn link(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// Returns the name of the app if it is short and in ASCII. Otherwise, returns the host.
    fn ascii_name(&self) -> &str {
        let host = self.origin.host();
        for name in [self.app_name, host] {
            let is_printable = name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
            if is_printable && !name.trim().is_empty() && name.len() <= MAX_NAME {
                return name;
            }
        }
        "this service"
    }
}

/// Returns the link to the page that creates an account with this invitation. The token is in the
/// fragment, so it is neither sent to a server nor logged.
pub(crate) fn invitation_link(origin: &Origin, token: &InvitationToken) -> Zeroizing<String> {
    Zeroizing::new(format!("{origin}/signup#invitation={}", *token.to_text()))
}

impl MailTextSource for DefaultMailText {
    fn text(&self, message: &Message, context: &MailContext<'_>) -> MailText {
        let name = context.ascii_name();
        match message {
            Message::VerifyEmail(message) => verify_email(message, name, context),
            Message::ResetPassword(message) => reset_password(message, name, context),
            Message::ChangeEmail(message) => change_email(message, name, context),
            Message::EmailTaken(requested) => email_taken(requested, name, context),
            Message::SignIn(message) => sign_in(message, name),
            Message::SignInUnverified(requested) => sign_in_unverified(requested, name, context),
            Message::Invitation(message) => invitation(message, name, context),
            Message::Notice(notice) => match notice.actor {
                Actor::User => self::notice(notice, name, context),
                Actor::Operator => notice_by_operator(notice, name, context),
            },
            // The store never hands out `Nothing`. A kind that is added later needs a text here.
            _ => MailText { subject: format!("A message from {name}"), text: String::new() },
        }
    }
}

fn verify_email(message: &CodeMessage, name: &str, context: &MailContext<'_>) -> MailText {
    let CodeMessage { code, requested } = message;
    let text = format!(
        "To confirm your e-mail address, log in and open this link:\n\n{}\n\nIf the link does not \
         work, enter this code on the page that asks for it:\n\n{}\n\n{}\n{}\nIf this was not \
         you, somebody else has signed up with your e-mail address.\nDo not give the code to \
         anybody. To make the account yours, reset its\npassword:\n\n{}\n",
        context.verify_link(code),
        *code.to_text(),
        expiry("code expires", requested.expires_at),
        origin_of(name, requested.at, requested.ip),
        context.forgot_link(),
    );
    MailText { subject: format!("Confirm your e-mail address for {name}"), text }
}

fn reset_password(message: &ResetMessage, name: &str, context: &MailContext<'_>) -> MailText {
    let ResetMessage { token, requested } = message;
    let text = format!(
        "Somebody asked to reset the password of your account. To choose a new\npassword, open this \
         link:\n\n{}\n\nIf the link does not work, open the following page and paste this \
         code:\n\n{}\n\n{}\n\n{}\n{}\nIf this was not you, you can ignore this e-mail. Your password \
         has not\nchanged.\n",
        context.reset_link(token),
        context.link("/reset"),
        *token.to_text(),
        expiry("link and the code expire", requested.expires_at),
        origin_of(name, requested.at, requested.ip),
    );
    MailText { subject: format!("Reset your password for {name}"), text }
}

fn change_email(message: &CodeMessage, name: &str, context: &MailContext<'_>) -> MailText {
    let CodeMessage { code, requested } = message;
    let text = format!(
        "Use this code to change the e-mail address of your account to this one:\n\n{}\n\nEnter the \
         code in the settings of your account:\n\n{}\n\n{}\n{}\nIf this was not you, somebody has \
         probably mistyped their own e-mail\naddress. You can ignore this e-mail. Do not give the \
         code to anybody.\n",
        *code.to_text(),
        context.settings_link(),
        expiry("code expires", requested.expires_at),
        origin_of(name, requested.at, requested.ip),
    );
    MailText { subject: format!("Confirm your new e-mail address for {name}"), text }
}

fn email_taken(requested: &Requested, name: &str, context: &MailContext<'_>) -> MailText {
    let text = format!(
        "Somebody asked to change the e-mail address of their account to this one.\nThis e-mail \
         address already has an account, so nothing has changed.\n\n{}\nIf this was you, and you \
         cannot log in to the account with this e-mail\naddress, reset its \
         password:\n\n{}\n\nIf this was not you, you can ignore this e-mail.\n",
        origin_of(name, requested.at, requested.ip),
        context.forgot_link(),
    );
    MailText { subject: format!("Your e-mail address already has an account at {name}"), text }
}

fn sign_in(message: &CodeMessage, name: &str) -> MailText {
    let CodeMessage { code, requested } = message;
    let text = format!(
        "Use this code to log in:\n\n{}\n\nEnter the code in the browser in which you asked for it. \
         Do not give it to\nanybody.\n\n{}\n{}\nIf this was not you, you can ignore this e-mail. \
         Nobody can log in without\nthe code.\n",
        *code.to_text(),
        expiry("code expires", requested.expires_at),
        origin_of(name, requested.at, requested.ip),
    );
    MailText { subject: format!("Your code to log in to {name}"), text }
}

fn sign_in_unverified(requested: &Requested, name: &str, context: &MailContext<'_>) -> MailText {
    let text = format!(
        "Somebody asked for a code to log in to your account. Your e-mail address is\nnot confirmed \
         yet, so you cannot log in with a code. Reset your password\ninstead, which also confirms \
         your e-mail address:\n\n{}\n\n{}\nIf this was not you, you can ignore this e-mail.\n",
        context.forgot_link(),
        origin_of(name, requested.at, requested.ip),
    );
    MailText { subject: format!("Log in to {name}"), text }
}

fn invitation(message: &InvitationMessage, name: &str, context: &MailContext<'_>) -> MailText {
    let text = format!(
        "You are invited to create an account. To do so, open this link, and sign up\n\
         with this e-mail address:\n\n{}\n\n{}\nService:    {name}\n\nThe link works once. If you \
         did not expect this, you can ignore this e-mail.\n",
        context.invitation_link(&message.token),
        expiry("link expires", message.expires_at),
    );
    MailText { subject: format!("Your invitation to {name}"), text }
}

fn notice(notice: &Notice, name: &str, context: &MailContext<'_>) -> MailText {
    let (subject, change) = match notice.kind {
        NoticeKind::PasswordChanged => {
            ("Your password was changed", "The password of your account was changed.")
        }
        NoticeKind::PasswordReset => (
            "Your password was reset",
            "The password of your account was reset with a link from an e-mail. All\nsessions were \
             ended.",
        ),
        NoticeKind::EmailChangeRequested => (
            "A change of your e-mail address was requested",
            "Somebody who is logged in to your account asked to change its e-mail\naddress. It \
             changes when the new e-mail address is confirmed.",
        ),
        NoticeKind::EmailChanged => (
            "Your e-mail address was changed",
            "The e-mail address of your account was changed. You can no longer log in\nwith this \
             e-mail address.",
        ),
        NoticeKind::AccountDeleted => (
            "Your account was deleted",
            "Your account was deleted, with everything that was stored about you.",
        ),
        NoticeKind::SecondFactorOn => (
            "Two-step log-in was turned on",
            "Two-step log-in was turned on for your account. To log in with your\n\
             password, you now also need your app, a passkey or a recovery code. All\n\
             other sessions were ended.",
        ),
        NoticeKind::SecondFactorOff => (
            "Two-step log-in was turned off",
            "Two-step log-in was turned off for your account. To log in, you only need\n\
             your password. All other sessions were ended.",
        ),
        NoticeKind::SecondFactorLockedOut => (
            "Too many wrong codes were entered",
            "Somebody entered too many wrong codes for the two-step log-in of your\n\
             account. Further codes are not accepted for a while.",
        ),
        NoticeKind::TotpReplaced => (
            "Your app for two-step log-in was changed",
            "An app was set up for the two-step log-in of your account. The app that you\n\
             used before, if there was one, no longer works. All other sessions were\n\
             ended.",
        ),
        NoticeKind::RecoveryCodeUsed => (
            "A recovery code was used",
            "Somebody logged in to your account with one of its recovery codes, which\n\
             cannot be used again.",
        ),
        NoticeKind::RecoveryCodesRenewed => (
            "Your recovery codes were replaced",
            "The recovery codes of your account were replaced by new ones. The old ones\n\
             no longer work.",
        ),
        NoticeKind::PasskeyAdded => (
            "A passkey was added",
            "A passkey was added to your account. With it, you can log in without your\npassword.",
        ),
        NoticeKind::PasskeyRemoved => (
            "A passkey was removed",
            "A passkey was removed from your account. All other sessions were ended.",
        ),
        NoticeKind::PasskeyCounterRegressed => (
            "A passkey was rejected",
            "Somebody tried to log in to your account with one of your passkeys. It was\n\
             rejected, because it may have been copied.",
        ),
        // A kind that is added later needs a text here.
        _ => ("Your account was changed", "Your account was changed."),
    };
    let mut text = format!("{change}\n\n{}\n", origin_of(name, notice.at, notice.ip));
    match notice.kind {
        NoticeKind::SecondFactorOn
        | NoticeKind::SecondFactorOff
        | NoticeKind::TotpReplaced
        | NoticeKind::RecoveryCodeUsed
        | NoticeKind::RecoveryCodesRenewed
        | NoticeKind::PasskeyAdded
        | NoticeKind::PasskeyRemoved => {
            let _ = write!(
                text,
                "If this was not you, reset your password now:\n\n{}\n\n\
                 Then log in, and check your app, your recovery codes and your passkeys in\n\
                 the settings:\n\n{}\n\n\
                 If you cannot log in, contact the administrator of the service.\n",
                context.forgot_link(),
                context.settings_link(),
            );
        }
        NoticeKind::SecondFactorLockedOut => {
            let _ = write!(
                text,
                "If this was not you, somebody else may know your password. Reset it now:\n\n{}\n",
                context.forgot_link()
            );
        }
        NoticeKind::PasskeyCounterRegressed => {
            let _ = write!(
                text,
                "If this was not you, reset your password now:\n\n{}\n\n\
                 Remove this passkey in the settings, even if this was you, and add a new\n\
                 one:\n\n{}\n",
                context.forgot_link(),
                context.settings_link(),
            );
        }
        NoticeKind::PasswordReset => {
            let _ = write!(
                text,
                "If this was not you, reset your password now:\n\n{}\n\n\
                 The reset did not change two-step log-in or passkeys. If you use them,\n\
                 check them in the settings:\n\n{}\n",
                context.forgot_link(),
                context.settings_link(),
            );
        }
        NoticeKind::AccountDeleted => {
            text.push_str("If this was not you, contact the administrator of the service.\n");
        }
        NoticeKind::EmailChanged => {
            let _ = write!(
                text,
                "If this was not you, contact the administrator of the service. If you still\nhave \
                 an account with this e-mail address, reset its password:\n\n{}\n",
                context.forgot_link()
            );
        }
        _ => {
            let _ = write!(
                text,
                "If this was not you, reset your password now:\n\n{}\n",
                context.forgot_link()
            );
        }
    }
    MailText { subject: format!("{subject} at {name}"), text }
}

/// Returns the notice of a change that an operator made.
fn notice_by_operator(notice: &Notice, name: &str, context: &MailContext<'_>) -> MailText {
    let (subject, change) = match notice.kind {
        NoticeKind::PasswordChanged => (
            "Your password was changed",
            "An administrator changed the password of your account. All sessions were\nended.",
        ),
        NoticeKind::AccountDeleted => (
            "Your account was deleted",
            "An administrator deleted your account, with everything that was stored\nabout you.",
        ),
        NoticeKind::SecondFactorReset => (
            "Two-step log-in was turned off",
            "An administrator turned two-step log-in off for your account, and removed\n\
             your app, your recovery codes and your passkeys. All sessions were ended.",
        ),
        // Operators cause no other notices. One that is added later needs a text here.
        _ => ("Your account was changed", "An administrator changed your account."),
    };
    let mut text = format!(
        "{change}\n\n{}\nIf you did not expect this, contact the administrator of the service.\n",
        service_and_time(name, notice.at)
    );
    match notice.kind {
        NoticeKind::AccountDeleted => {}
        NoticeKind::SecondFactorReset => {
            let _ = write!(
                text,
                "\nTo choose a new password yourself, open this page:\n\n{}\n\n\
                 To turn two-step log-in on again, log in and open the settings:\n\n{}\n",
                context.forgot_link(),
                context.settings_link(),
            );
        }
        _ => {
            let _ = write!(
                text,
                "\nTo choose a new password yourself, open this page:\n\n{}\n",
                context.forgot_link()
            );
        }
    }
    MailText { subject: format!("{subject} at {name}"), text }
}

/// Returns a sentence about the expiry of a code or a link, such as "The code expires at …".
fn expiry(what_expires: &str, at: Timestamp) -> String {
    format!("The {what_expires} at {}.\n", minute(at))
}

/// Returns the lines that state the service, the time and the IP address.
fn origin_of(name: &str, at: Timestamp, ip: Option<IpAddr>) -> String {
    let ip = ip.map_or_else(|| "unknown".to_owned(), |ip| ip.to_string());
    format!("{}IP address: {ip}\n", service_and_time(name, at))
}

/// Returns the lines that state the service and the time.
fn service_and_time(name: &str, at: Timestamp) -> String {
    format!("Service:    {name}\nTime:       {}\n", minute(at))
}

fn minute(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}
