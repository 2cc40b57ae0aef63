//! Second factors of accounts that get mails.

use accounts::{
    AddPasskey, AddPasskeyError, ChangeFactorError, CodeSignInError, CompleteSignIn,
    CompleteSignInError, ConfirmTotpError, EventKind, IssuedTokens, PasskeyRegistrationError,
    RecoveryCode, RequestEmailChange, RequestEmailChangeError, RequestSignInCode, SecondFactor,
    SecondFactorRequired, SignIn, SignInOutcome, SignInWithCode, SignedIn, TotpSecret, TurnOnError,
};

use super::app::{MINUTE, MailApp, OTHER, caller, code, subjects, token};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, SERVICE};
use crate::passkey::SoftPasskey;

/// Turns the second factor on with an app, and drops the mails.
async fn turn_on(app: &MailApp, signed_in: &SignedIn) -> (TotpSecret, Vec<RecoveryCode>) {
    let secret = app.begin_totp(signed_in, &caller()).await.unwrap().secret;
    let code = secret.code_at(app.now()).to_text();
    let recovery_codes = app.confirm_totp(signed_in, &code, &caller()).await.unwrap();
    app.advance(MINUTE);
    (secret, recovery_codes)
}

async fn first_step(app: &MailApp, password: &str) -> SecondFactorRequired {
    let caller = caller();
    match app.sign_in(SignIn::new(EMAIL, password, &caller)).await.unwrap() {
        SignInOutcome::SecondFactorRequired(required) => required,
        SignInOutcome::SignedIn(_) => unreachable!(),
    }
}

async fn second_step(
    app: &MailApp,
    required: &SecondFactorRequired,
    factor: SecondFactor<'_>,
) -> Result<IssuedTokens, CompleteSignInError> {
    let (ticket, caller) = (required.ticket.as_str(), &caller());
    app.complete_sign_in(CompleteSignIn { ticket, factor, caller, replaces: None }).await
}

/// A stranger who signs up with another person's email address must not leave a factor behind.
#[tokio::test]
async fn a_user_whose_email_address_is_not_verified_adds_no_factor() {
    use ChangeFactorError::EmailUnverified;

    let app = MailApp::new().await;
    app.account(EMAIL).await;
    let squatter = app.signed_in(EMAIL).await;
    let begun = app.begin_totp(&squatter, &caller()).await;
    assert!(matches!(begun, Err(EmailUnverified)));
    let confirmed = app.confirm_totp(&squatter, "123456", &caller()).await;
    assert!(matches!(confirmed, Err(ConfirmTotpError::Change(EmailUnverified))));
    let turned_on = app.turn_second_factor_on(&squatter, &caller()).await;
    assert!(matches!(turned_on, Err(TurnOnError::Change(EmailUnverified))));
    let options = app.passkey_registration_options(&squatter).await;
    assert!(matches!(options, Err(PasskeyRegistrationError::Change(EmailUnverified))));
    let soft = SoftPasskey::new(SERVICE, squatter.id().as_uuid().as_bytes());
    let add = AddPasskey {
        signed_in: &squatter,
        name: "Phone",
        credential: &soft.register(b"challenge"),
        caller: &caller(),
    };
    let added = app.add_passkey(add).await;
    assert!(matches!(added, Err(AddPasskeyError::Change(EmailUnverified))));

    app.advance(11 * MINUTE);
    let late = app.begin_totp(&squatter, &caller()).await;
    assert!(matches!(late, Err(ChangeFactorError::StepUpRequired)), "the first check");
    app.operator().verify_email(squatter.id()).await.unwrap();
    let verified = app.signed_in(EMAIL).await;
    turn_on(&app, &verified).await;
}

#[tokio::test]
async fn a_code_from_a_mail_replaces_the_password_but_not_the_second_factor() {
    let app = MailApp::new().await;
    let (secret, _) = turn_on(&app, &app.ada().await).await;
    app.deliver().await;
    let request = RequestSignInCode { email: EMAIL, remember: true, caller: &caller() };
    let requested = app.request_sign_in_code(request).await.unwrap();
    let mail_code = code(&app.deliver_one().await);
    let request = SignInWithCode {
        token: Some(&requested.token),
        code: &mail_code,
        caller: &caller(),
        replaces: None,
    };
    let outcome = app.sign_in_with_code(request).await.unwrap();
    let SignInOutcome::SecondFactorRequired(required) = outcome else { unreachable!() };
    let again = app.sign_in_with_code(request).await;
    assert!(matches!(again, Err(CodeSignInError::Expired)), "the code is used up");
    let code = secret.code_at(app.now()).to_text();
    let tokens = second_step(&app, &required, SecondFactor::Code(&code)).await.unwrap();
    assert!(tokens.refresh.max_age.is_some());
    let ada = app.session_of(&tokens).await;
    assert_eq!(ada.amr().values().collect::<Vec<_>>(), ["otp", "mfa"]);
}

#[tokio::test]
async fn a_code_from_a_mail_alone_is_stated_as_the_method() {
    let app = MailApp::new().await;
    app.verified_account(EMAIL).await;
    let request = RequestSignInCode { email: EMAIL, remember: false, caller: &caller() };
    let requested = app.request_sign_in_code(request).await.unwrap();
    let code = code(&app.deliver_one().await);
    let token = Some(&requested.token);
    let request = SignInWithCode { token, code: &code, caller: &caller(), replaces: None };
    let tokens = app.sign_in_with_code(request).await.unwrap().into_tokens().unwrap();
    let ada = app.session_of(&tokens).await;
    assert_eq!(ada.amr().values().collect::<Vec<_>>(), ["otp"]);
}

#[tokio::test]
async fn a_reset_of_the_password_keeps_the_second_factor_and_makes_tickets_invalid() {
    let app = MailApp::new().await;
    let (secret, codes) = turn_on(&app, &app.ada().await).await;
    app.deliver().await;
    let required = first_step(&app, PASSWORD).await;
    app.request_password_reset(EMAIL, &caller()).await.unwrap();
    let token = token(&app.deliver_one().await);
    app.reset_password(&token, NEW_PASSWORD, &caller()).await.unwrap();
    let code = codes[0].to_text();
    let void = second_step(&app, &required, SecondFactor::RecoveryCode(&code)).await;
    assert!(matches!(void, Err(CompleteSignInError::InvalidTicket)));
    let required = first_step(&app, NEW_PASSWORD).await;
    let code = secret.code_at(app.now()).to_text();
    second_step(&app, &required, SecondFactor::Code(&code)).await.unwrap();
}

#[tokio::test]
async fn a_change_of_the_email_address_makes_tickets_invalid() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    let (secret, codes) = turn_on(&app, &ada).await;
    app.deliver().await;
    let required = first_step(&app, PASSWORD).await;
    let caller = &caller();
    let change =
        RequestEmailChange { signed_in: &ada, new_email: OTHER, password: PASSWORD, caller };
    app.request_email_change(change).await.unwrap();
    let mails = app.deliver().await;
    let code = code(mails.iter().find(|mail| mail.to == OTHER).unwrap());
    app.change_email(&ada, &code, caller).await.unwrap();
    let code = codes[0].to_text();
    let void = second_step(&app, &required, SecondFactor::RecoveryCode(&code)).await;
    assert!(matches!(void, Err(CompleteSignInError::InvalidTicket)));

    let outcome = app.sign_in(SignIn::new(OTHER, PASSWORD, caller)).await.unwrap();
    let SignInOutcome::SecondFactorRequired(required) = outcome else { unreachable!() };
    let code = secret.code_at(app.now()).to_text();
    second_step(&app, &required, SecondFactor::Code(&code)).await.unwrap();
}

#[tokio::test]
async fn a_request_to_change_the_email_address_needs_a_fresh_sign_in_with_a_second_factor() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    let grace = app.verified_account(OTHER).await;
    let caller = &caller();
    let request = |signed_in| RequestEmailChange {
        signed_in,
        new_email: "new@example.com",
        password: PASSWORD,
        caller,
    };
    let other = app.signed_in(OTHER).await;
    assert_eq!(other.id(), grace.id);
    turn_on(&app, &ada).await;
    let tokens = {
        let codes = app.replace_recovery_codes(&ada, caller).await.unwrap();
        let required = first_step(&app, PASSWORD).await;
        let code = codes[0].to_text();
        second_step(&app, &required, SecondFactor::RecoveryCode(&code)).await.unwrap()
    };
    let ada = app.session_of(&tokens).await;
    app.advance(11 * MINUTE);
    let late = app.request_email_change(request(&ada)).await;
    assert!(matches!(late, Err(RequestEmailChangeError::StepUpRequired)));
    app.request_email_change(request(&other)).await.unwrap();
}

/// Every change to second factors sends a notice, and is recorded.
#[tokio::test]
async fn every_change_of_second_factors_sends_a_notice() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    let user = ada.id();
    app.take_events().await;
    let caller = &caller();
    let subject = async || {
        let mail = app.deliver_one().await;
        assert_eq!(mail.to, EMAIL);
        mail.subject.strip_suffix(" at auth.example.com").unwrap().to_owned()
    };
    let changed = async || {
        let is_changed = |kind: &&EventKind| {
            matches!(
                kind,
                EventKind::SecondFactorOn
                    | EventKind::SecondFactorOff
                    | EventKind::SecondFactorReset
                    | EventKind::TotpReplaced
                    | EventKind::PasskeyAdded
                    | EventKind::PasskeyRemoved
            )
        };
        app.take_events().await.iter().filter(is_changed).count()
    };

    let (secret, codes) = turn_on(&app, &ada).await;
    assert_eq!((subject().await.as_str(), changed().await), ("Two-step log-in was turned on", 1));
    turn_on(&app, &ada).await;
    let replaced = "Your app for two-step log-in was changed";
    assert_eq!((subject().await.as_str(), changed().await), (replaced, 1));
    let new_codes = app.replace_recovery_codes(&ada, caller).await.unwrap();
    assert_eq!(
        (subject().await.as_str(), changed().await),
        ("Your recovery codes were replaced", 0)
    );
    let required = first_step(&app, PASSWORD).await;
    let code = new_codes[0].to_text();
    second_step(&app, &required, SecondFactor::RecoveryCode(&code)).await.unwrap();
    assert_eq!((subject().await.as_str(), changed().await), ("A recovery code was used", 0));

    let mut soft = SoftPasskey::new(SERVICE, user.as_uuid().as_bytes());
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let credential = &soft.register(&challenge);
    let add = AddPasskey { signed_in: &ada, name: "Phone", credential, caller };
    let passkey = app.add_passkey(add).await.unwrap();
    assert_eq!((subject().await.as_str(), changed().await), ("A passkey was added", 1));
    for sign_count in [2, 1] {
        soft.sign_count = sign_count;
        let required = first_step(&app, PASSWORD).await;
        let options = app.passkey_sign_in_options(Some(&required.ticket)).await.unwrap();
        let credential = soft.assert(&options.challenge);
        let result = second_step(&app, &required, SecondFactor::Passkey(&credential)).await;
        assert_eq!(result.is_ok(), sign_count == 2);
    }
    assert_eq!((subject().await.as_str(), changed().await), ("A passkey was rejected", 0));
    app.remove_passkey(&ada, passkey.id, caller).await.unwrap();
    assert_eq!((subject().await.as_str(), changed().await), ("A passkey was removed", 1));

    let required = first_step(&app, PASSWORD).await;
    let (stale, used) = (secret.code_at(app.now()).to_text(), codes[0].to_text());
    for _ in 0..11 {
        second_step(&app, &required, SecondFactor::Code(&stale)).await.unwrap_err();
    }
    assert_eq!(
        (subject().await.as_str(), changed().await),
        ("Too many wrong codes were entered", 0)
    );
    for _ in 0..11 {
        second_step(&app, &required, SecondFactor::RecoveryCode(&used)).await.unwrap_err();
    }
    assert_eq!(
        (subject().await.as_str(), changed().await),
        ("Too many wrong codes were entered", 0)
    );

    app.turn_second_factor_off(&ada, caller).await.unwrap();
    assert_eq!((subject().await.as_str(), changed().await), ("Two-step log-in was turned off", 1));
    turn_on(&app, &ada).await;
    app.deliver().await;
    app.take_events().await;
    let _ = app.operator().reset_second_factor(user).await.unwrap();
    assert_eq!(changed().await, 1);
    let mail = app.deliver_one().await;
    assert!(mail.text.starts_with("An administrator turned two-step log-in off"), "{}", mail.text);
}

#[tokio::test]
async fn a_server_sends_the_notice_of_a_reset_on_the_command_line() {
    let app = MailApp::new().await;
    let ada = app.ada().await;
    turn_on(&app, &ada).await;
    app.deliver().await;
    let command = app.command().await;
    let _ = command.operator().reset_second_factor(ada.id()).await.unwrap();
    let expected = "Ada@example.com: Two-step log-in was turned off at auth.example.com";
    assert_eq!(subjects(&app.deliver().await), [expected]);
}
