mod factors;

use std::net::IpAddr;
use std::time::Duration;

use accounts::{
    Actor, CodeMessage, DefaultMailText, InvitationMessage, InvitationToken, MailContext, MailText,
    MailTextSource as _, Message, Notice, NoticeKind, OneTimeCode, Origin, Requested, ResetMessage,
    ResetToken, Timestamp,
};
use proptest::prelude::*;

fn origin() -> Origin {
    Origin::parse("https://auth.example.com").unwrap()
}

/// Returns one message of each kind.
fn messages() -> Vec<Message> {
    messages_from(Some([192, 0, 2, 1].into()))
}

fn messages_from(ip: Option<IpAddr>) -> Vec<Message> {
    let at = Timestamp::from_second(1_800_000_000).unwrap();
    let requested = Requested { at, ip, expires_at: at + Duration::from_hours(1) };
    let code = OneTimeCode::parse("K7QM-2XRD").unwrap();
    let code = CodeMessage { code, requested };
    let token = ResetToken::parse("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ").unwrap();
    let mut messages = vec![
        Message::VerifyEmail(code.clone()),
        Message::ResetPassword(ResetMessage { token, requested }),
        Message::ChangeEmail(code.clone()),
        Message::EmailTaken(requested),
        Message::SignIn(code),
        Message::SignInUnverified(requested),
        Message::Invitation(InvitationMessage {
            token: InvitationToken::parse("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ").unwrap(),
            expires_at: requested.expires_at,
        }),
    ];
    let actor = Actor::User;
    let notices = NoticeKind::ALL.iter().map(|kind| Notice { kind: *kind, actor, at, ip });
    messages.extend(notices.map(Message::Notice));
    messages
}

/// Returns one notice of each kind of a change that an operator made.
fn notices_by_operator() -> Vec<Message> {
    let (actor, at) = (Actor::Operator, Timestamp::from_second(1_800_000_000).unwrap());
    let notices = NoticeKind::ALL.iter().map(|kind| Notice { kind: *kind, actor, at, ip: None });
    notices.map(Message::Notice).collect()
}

fn render(message: &Message, app_name: &str) -> MailText {
    let (origin, recipient) = (&origin(), "ada+test@example.com");
    DefaultMailText.text(message, &MailContext { app_name, origin, recipient })
}

/// The lines that state where a request came from.
const REQUEST: &str = "\
Service:    Example
Time:       2027-01-15 08:00 UTC
IP address: 192.0.2.1
";

#[track_caller]
fn assert_text(message: &Message, subject: &str, text: &str) {
    let rendered = render(message, "Example");
    assert_eq!(rendered.subject, subject);
    assert_eq!(rendered.text, text.replace("REQUEST\n", REQUEST));
}

#[test]
fn every_message_has_its_text() {
    let mut messages = messages().into_iter();
    let mut next = || messages.next().unwrap();
    assert_text(
        &next(),
        "Confirm your e-mail address for Example",
        "\
To confirm your e-mail address, log in and open this link:

https://auth.example.com/verify#code=K7QM-2XRD

If the link does not work, enter this code on the page that asks for it:

K7QM-2XRD

The code expires at 2027-01-15 09:00 UTC.

REQUEST

If this was not you, somebody else has signed up with your e-mail address.
Do not give the code to anybody. To make the account yours, reset its
password:

https://auth.example.com/forgot
",
    );
    assert_text(
        &next(),
        "Reset your password for Example",
        "\
Somebody asked to reset the password of your account. To choose a new
password, open this link:

https://auth.example.com/reset#token=0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ&email=ada%2Btest%40example.com

If the link does not work, open the following page and paste this code:

https://auth.example.com/reset

0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ

The link and the code expire at 2027-01-15 09:00 UTC.

REQUEST

If this was not you, you can ignore this e-mail. Your password has not
changed.
",
    );
    assert_text(
        &next(),
        "Confirm your new e-mail address for Example",
        "\
Use this code to change the e-mail address of your account to this one:

K7QM-2XRD

Enter the code in the settings of your account:

https://auth.example.com/settings

The code expires at 2027-01-15 09:00 UTC.

REQUEST

If this was not you, somebody has probably mistyped their own e-mail
address. You can ignore this e-mail. Do not give the code to anybody.
",
    );
    assert_text(
        &next(),
        "Your e-mail address already has an account at Example",
        "\
Somebody asked to change the e-mail address of their account to this one.
This e-mail address already has an account, so nothing has changed.

REQUEST

If this was you, and you cannot log in to the account with this e-mail
address, reset its password:

https://auth.example.com/forgot

If this was not you, you can ignore this e-mail.
",
    );
    assert_text(
        &next(),
        "Your code to log in to Example",
        "\
Use this code to log in:

K7QM-2XRD

Enter the code in the browser in which you asked for it. Do not give it to
anybody.

The code expires at 2027-01-15 09:00 UTC.

REQUEST

If this was not you, you can ignore this e-mail. Nobody can log in without
the code.
",
    );
    assert_text(
        &next(),
        "Log in to Example",
        "\
Somebody asked for a code to log in to your account. Your e-mail address is
not confirmed yet, so you cannot log in with a code. Reset your password
instead, which also confirms your e-mail address:

https://auth.example.com/forgot

REQUEST

If this was not you, you can ignore this e-mail.
",
    );
    assert_text(
        &next(),
        "Your invitation to Example",
        "\
You are invited to create an account. To do so, open this link, and sign up
with this e-mail address:

https://auth.example.com/signup#invitation=0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ

The link expires at 2027-01-15 09:00 UTC.

Service:    Example

The link works once. If you did not expect this, you can ignore this e-mail.
",
    );
    assert_text(
        &next(),
        "Your password was changed at Example",
        "\
The password of your account was changed.

REQUEST

If this was not you, reset your password now:

https://auth.example.com/forgot
",
    );
    assert_text(
        &next(),
        "Your password was reset at Example",
        "\
The password of your account was reset with a link from an e-mail. All
sessions were ended.

REQUEST

If this was not you, reset your password now:

https://auth.example.com/forgot

The reset did not change two-step log-in or passkeys. If you use them,
check them in the settings:

https://auth.example.com/settings
",
    );
    assert_text(
        &next(),
        "A change of your e-mail address was requested at Example",
        "\
Somebody who is logged in to your account asked to change its e-mail
address. It changes when the new e-mail address is confirmed.

REQUEST

If this was not you, reset your password now:

https://auth.example.com/forgot
",
    );
    assert_text(
        &next(),
        "Your e-mail address was changed at Example",
        "\
The e-mail address of your account was changed. You can no longer log in
with this e-mail address.

REQUEST

If this was not you, contact the administrator of the service. If you still
have an account with this e-mail address, reset its password:

https://auth.example.com/forgot
",
    );
    assert_text(
        &next(),
        "Your account was deleted at Example",
        "\
Your account was deleted, with everything that was stored about you.

REQUEST

If this was not you, contact the administrator of the service.
",
    );
    let rest: Vec<_> = messages.map(|message| message.kind()).collect();
    let of_factors = [
        "second_factor_on",
        "second_factor_off",
        "second_factor_reset",
        "second_factor_locked_out",
        "totp_replaced",
        "recovery_code_used",
        "recovery_codes_renewed",
        "passkey_added",
        "passkey_removed",
        "passkey_counter_regressed",
    ];
    assert_eq!(rest, of_factors, "the next tests check these");
}

#[test]
fn a_notice_of_an_operators_change_names_an_administrator_and_no_ip_address() {
    let notices = notices_by_operator();
    let find = |kind: &str| notices.iter().find(|notice| notice.kind() == kind).unwrap();
    assert_text(
        find("password_changed"),
        "Your password was changed at Example",
        "\
An administrator changed the password of your account. All sessions were
ended.

Service:    Example
Time:       2027-01-15 08:00 UTC

If you did not expect this, contact the administrator of the service.

To choose a new password yourself, open this page:

https://auth.example.com/forgot
",
    );
    assert_text(
        find("second_factor_reset"),
        "Two-step log-in was turned off at Example",
        "\
An administrator turned two-step log-in off for your account, and removed
your app, your recovery codes and your passkeys. All sessions were ended.

Service:    Example
Time:       2027-01-15 08:00 UTC

If you did not expect this, contact the administrator of the service.

To choose a new password yourself, open this page:

https://auth.example.com/forgot

To turn two-step log-in on again, log in and open the settings:

https://auth.example.com/settings
",
    );
    assert_text(
        find("account_deleted"),
        "Your account was deleted at Example",
        "\
An administrator deleted your account, with everything that was stored
about you.

Service:    Example
Time:       2027-01-15 08:00 UTC

If you did not expect this, contact the administrator of the service.
",
    );
}

#[test]
fn every_notice_except_of_a_deletion_states_where_to_reset_the_password() {
    let notices = messages().into_iter().filter(|message| matches!(message, Message::Notice(_)));
    for notice in notices.chain(notices_by_operator()) {
        let text = render(&notice, "Example").text;
        let has_link = text.lines().any(|line| line == "https://auth.example.com/forgot");
        assert_eq!(has_link, notice.kind() != "account_deleted", "{text}");
    }
}

/// The pages have the same spelling.
#[test]
fn texts_spell_e_mail_with_a_hyphen() {
    for message in messages().into_iter().chain(notices_by_operator()) {
        let MailText { subject, text } = render(&message, "Example");
        let is_link = |line: &&str| line.starts_with("https://");
        for line in text.lines().filter(|line| !is_link(line)).chain([&*subject]) {
            assert!(!line.to_lowercase().contains("email"), "{line}");
        }
    }
}

/// A stranger who requests a mail cannot choose a part of it, and the recipient's own address is
/// only in the link.
#[test]
fn a_link_contains_the_recipient_in_encoded_form() {
    let context = MailContext {
        app_name: "Example",
        origin: &origin(),
        recipient: "o'neil+a&b=c%@example.com",
    };
    let token = ResetToken::parse("0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ").unwrap();
    assert_eq!(
        context.reset_link(&token),
        "https://auth.example.com/reset#token=0123-4567-89AB-CDEF-GHJK-MNPQ-RSTV-WXYZ\
         &email=o%27neil%2Ba%26b%3Dc%25%40example.com"
    );
    assert_eq!(context.settings_link(), "https://auth.example.com/settings");
}

#[test]
fn a_name_that_is_long_or_not_ascii_is_replaced_by_the_host() {
    let message = Message::Notice(Notice {
        kind: NoticeKind::AccountDeleted,
        actor: Actor::User,
        at: Timestamp::UNIX_EPOCH,
        ip: None,
    });
    let service = |name: &str| {
        let text = render(&message, name).text;
        text.lines().find_map(|line| line.strip_prefix("Service:    ")).unwrap().to_owned()
    };
    assert_eq!(service("Example App"), "Example App");
    assert_eq!(service(&"x".repeat(60)), "x".repeat(60));
    for name in [&"x".repeat(61), "Bücher", "two\nlines", "", " "] {
        assert_eq!(service(name), "auth.example.com", "{name}");
    }
    assert!(render(&message, "Example").text.contains("IP address: unknown\n"));
}

proptest! {
    #[test]
    fn texts_are_ascii_with_short_lines(
        name in prop_oneof!["[ -~]{0,200}", ".{0,200}"],
        host in "[a-z]{1,60}(\\.[a-z]{1,60}){0,3}",
        ip in any::<Option<IpAddr>>(),
    ) {
        let origin = Origin::parse(&format!("https://{host}")).unwrap();
        let context =
            MailContext { app_name: &name, origin: &origin, recipient: "ada@example.com" };
        for message in messages_from(ip).into_iter().chain(notices_by_operator()) {
            let MailText { subject, text } = DefaultMailText.text(&message, &context);
            prop_assert!(subject.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
            prop_assert!(subject.len() <= 120, "{}", subject);
            prop_assert!(text.ends_with('\n'));
            for line in text.lines() {
                prop_assert!(line.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()));
                let is_link = line.starts_with("https://") && !line.contains(' ');
                prop_assert!(is_link || line.len() <= 76, "{}", line);
            }
        }
    }
}
