use accounts::{
    Amr, Caller, ChangePassword, CompleteSignIn, CompleteSignInError, EventKind, FactorKind,
    KnownBrowsers, PasskeyOptionsError, SecondFactor, SecondFactorRequired, SignIn, SignInError,
};

use super::app::{
    FactorApp, MILLISECOND, MINUTE, STEP, caller, first_step_on, required, second_step_on,
};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, SERVICE};
use crate::passkey::SoftPasskey;

fn texts(amr: Amr) -> Vec<&'static str> {
    amr.values().collect()
}

#[tokio::test]
async fn the_password_and_a_code_of_the_app_open_a_session() {
    let (app, phone) = FactorApp::with_phone().await;
    let user = app.operator().user(EMAIL).await.unwrap();
    let before = app.operator().sessions(user.id).await.unwrap();
    let required = app.first_step().await;
    assert_eq!(required.factors, [FactorKind::Totp, FactorKind::RecoveryCode]);
    assert_eq!(required.expires_in, 10 * MINUTE);
    assert!(!format!("{required:?}").contains(required.ticket.as_str()));
    assert_eq!(app.operator().sessions(user.id).await.unwrap(), before, "no session is open yet");

    let tokens = app.second_step_with(&required, &phone).await.unwrap();
    assert!(tokens.device.is_some());
    let ada = app.session_of(&tokens).await;
    assert_eq!(ada.id(), user.id);
    assert_eq!(texts(ada.amr()), ["pwd", "otp", "mfa"]);
    assert_eq!(ada.authenticated_at(), app.now());
    assert!(ada.has_second_factor());
    assert_eq!(app.factors(&ada).await.unwrap().totp.unwrap().last_used_at, Some(app.now()));
    let (_, event) = app.operator().events(None, None, 100).await.unwrap().pop().unwrap();
    assert_eq!((event.kind, event.session), (EventKind::SignedIn, Some(ada.session().id)));
    assert_eq!(event.amr, Some(ada.amr()));
    assert_eq!(event.client, caller().client);
}

#[tokio::test]
async fn a_recovery_code_opens_a_session_once() {
    let (app, phone) = FactorApp::with_phone().await;
    let code = phone.recovery_codes[3].to_text().to_lowercase();
    let required = app.first_step().await;
    let tokens = app.second_step(&required, SecondFactor::RecoveryCode(&code)).await.unwrap();
    let ada = app.session_of(&tokens).await;
    assert_eq!(texts(ada.amr()), ["pwd", "otp", "mfa"]);
    assert_eq!(app.factors(&ada).await.unwrap().recovery_codes.unwrap().left, 9);
    assert!(app.events().await.contains(&EventKind::RecoveryCodeUsed));

    let required = app.first_step().await;
    for code in [&*code, "", "not a code"] {
        let again = app.second_step(&required, SecondFactor::RecoveryCode(code)).await;
        assert!(matches!(again, Err(CompleteSignInError::CodeWrong)), "{code}");
    }
    for code in &phone.recovery_codes {
        let required = app.first_step().await;
        let code = code.to_text();
        let _ = app.second_step(&required, SecondFactor::RecoveryCode(&code)).await;
    }
    assert_eq!(app.first_step().await.factors, [FactorKind::Totp], "no code is left");
}

#[tokio::test]
async fn a_passkey_opens_a_session_after_the_password() {
    let (app, phone) = FactorApp::with_phone().await;
    let (passkey, _) = app.add(&app.with_both_factors(&phone).await).await;
    let required = app.first_step().await;
    let all = [FactorKind::Totp, FactorKind::Passkey, FactorKind::RecoveryCode];
    assert_eq!(required.factors, all);
    let options = app.passkey_sign_in_options(Some(&required.ticket)).await.unwrap();
    assert_eq!(options.rp_id, "auth.example.com");
    let [allowed] = &options.allow[..] else { unreachable!("{options:?}") };
    assert_eq!(allowed.as_bytes(), passkey.id);

    let tokens = app.second_step_by_passkey(&required, &passkey).await.unwrap();
    let ada = app.session_of(&tokens).await;
    assert_eq!(texts(ada.amr()), ["pwd", "pop", "mfa"]);
}

#[tokio::test]
async fn a_passkey_needs_no_user_handle_at_the_second_step_but_rejects_a_foreign_one() {
    let (app, phone) = FactorApp::with_phone().await;
    let (mut passkey, _) = app.add(&app.with_both_factors(&phone).await).await;
    let required = app.first_step().await;
    let own = passkey.user_handle.take();
    for handle in [Some(vec![7; 16]), Some(Vec::new())] {
        passkey.user_handle = handle;
        let rejected = app.second_step_by_passkey(&required, &passkey).await;
        assert!(matches!(rejected, Err(CompleteSignInError::CredentialInvalid)));
    }
    passkey.user_handle = None;
    app.second_step_by_passkey(&required, &passkey).await.unwrap();
    passkey.user_handle = own;
    app.second_step_by_passkey(&app.first_step().await, &passkey).await.unwrap();
}

#[tokio::test]
async fn a_passkey_of_another_user_is_no_second_factor() {
    let (app, _) = FactorApp::with_phone().await;
    let grace = app.grace().await;
    let (mut passkey, _) = app.add(&grace).await;
    let required = app.first_step().await;
    for handle in [passkey.user_handle.clone(), None] {
        passkey.user_handle = handle;
        let rejected = app.second_step_by_passkey(&required, &passkey).await;
        assert!(matches!(rejected, Err(CompleteSignInError::CredentialInvalid)));
    }
    let user = app.operator().user(EMAIL).await.unwrap();
    let unknown = SoftPasskey::new(SERVICE, user.id.as_uuid().as_bytes());
    let rejected = app.second_step_by_passkey(&required, &unknown).await;
    assert!(matches!(rejected, Err(CompleteSignInError::CredentialInvalid)));
}

#[tokio::test]
async fn a_challenge_is_valid_for_one_ticket_for_five_minutes_and_once() {
    let (app, phone) = FactorApp::with_phone().await;
    let (passkey, _) = app.add(&app.with_both_factors(&phone).await).await;
    let (one, two) = (app.first_step().await, app.first_step().await);
    for challenge in [app.challenge(Some(&two)).await, app.challenge(None).await] {
        let credential = passkey.assert(&challenge);
        let rejected = app.second_step(&one, SecondFactor::Passkey(&credential)).await;
        assert!(matches!(rejected, Err(CompleteSignInError::CredentialInvalid)));
    }
    let credential = passkey.assert(&app.challenge(Some(&one)).await);
    app.advance(5 * MINUTE);
    let expired = app.second_step(&one, SecondFactor::Passkey(&credential)).await;
    assert!(matches!(expired, Err(CompleteSignInError::ChallengeExpired)));
    let credential = passkey.assert(&app.challenge(Some(&one)).await);
    app.advance(5 * MINUTE - MILLISECOND);
    app.second_step(&one, SecondFactor::Passkey(&credential)).await.unwrap();
}

/// The ticket is not used up, but the challenge of a passkey whose counter has not grown is.
#[tokio::test]
async fn a_challenge_that_a_copied_passkey_has_signed_is_used_up() {
    let (app, phone) = FactorApp::with_phone().await;
    let ada = app.with_both_factors(&phone).await;
    let (mut passkey, _) = app.add(&ada).await;
    passkey.sign_count = 5;
    app.second_step_by_passkey(&app.first_step().await, &passkey).await.unwrap();
    let required = app.first_step().await;
    let challenge = app.challenge(Some(&required)).await;
    let credential = passkey.assert(&challenge);
    let copied = app.second_step(&required, SecondFactor::Passkey(&credential)).await;
    assert!(matches!(copied, Err(CompleteSignInError::CredentialInvalid)));
    assert!(app.events().await.contains(&EventKind::PasskeyCounterRegressed));
    passkey.sign_count = 6;
    let credential = passkey.assert(&challenge);
    let again = app.second_step(&required, SecondFactor::Passkey(&credential)).await;
    assert!(matches!(again, Err(CompleteSignInError::ChallengeExpired)));
    app.second_step_by_passkey(&required, &passkey).await.unwrap();
}

#[tokio::test]
async fn a_code_of_the_app_is_accepted_once() {
    let (app, phone) = FactorApp::with_phone().await;
    app.second_step_with(&app.first_step().await, &phone).await.unwrap();
    let required = app.first_step().await;
    let again = app.second_step_with(&required, &phone).await;
    assert!(matches!(again, Err(CompleteSignInError::CodeWrong)));
    app.advance(STEP);
    app.second_step_with(&required, &phone).await.unwrap();
}

#[tokio::test]
async fn the_code_that_confirmed_the_app_opens_no_session() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let code = secret.code_at(app.now()).to_text();
    app.confirm_totp(&ada, &code, &caller()).await.unwrap();
    let again = app.second_step(&app.first_step().await, SecondFactor::Code(&code)).await;
    assert!(matches!(again, Err(CompleteSignInError::CodeWrong)));
}

#[tokio::test]
async fn a_wrong_second_factor_does_not_use_up_the_ticket_but_a_right_one_does() {
    let (app, phone) = FactorApp::with_phone().await;
    let required = app.first_step().await;
    for code in ["", "12345", &app.wrong_code(&phone)] {
        let wrong = app.second_step(&required, SecondFactor::Code(code)).await;
        assert!(matches!(wrong, Err(CompleteSignInError::CodeWrong)), "{code}");
    }
    app.second_step_with(&required, &phone).await.unwrap();
    app.advance(STEP);
    let used = app.second_step_with(&required, &phone).await;
    assert!(matches!(used, Err(CompleteSignInError::InvalidTicket)));
    assert_eq!(
        app.events().await.iter().filter(|it| **it == EventKind::SecondFactorFailed).count(),
        1
    );
}

#[tokio::test]
async fn a_ticket_is_valid_for_ten_minutes() {
    let (app, phone) = FactorApp::with_phone().await;
    let (first, second) = (app.first_step().await, app.first_step().await);
    app.advance(10 * MINUTE - MILLISECOND);
    app.second_step_with(&first, &phone).await.unwrap();
    app.advance(STEP);
    let expired = app.second_step_with(&second, &phone).await;
    assert!(matches!(expired, Err(CompleteSignInError::InvalidTicket)));
    let options = app.passkey_sign_in_options(Some(&second.ticket)).await;
    assert!(matches!(options, Err(PasskeyOptionsError::InvalidTicket)));
}

#[tokio::test]
async fn an_invented_ticket_is_not_valid() {
    let (app, phone) = FactorApp::with_phone().await;
    let mut required = app.first_step().await;
    let first = if required.ticket.starts_with('A') { 'B' } else { 'A' };
    let changed = format!("{first}{}", &required.ticket[1..]);
    for ticket in ["", "x", &changed] {
        required.ticket = ticket.to_owned().into();
        let rejected = app.second_step_with(&required, &phone).await;
        assert!(matches!(rejected, Err(CompleteSignInError::InvalidTicket)), "{ticket}");
        let options = app.passkey_sign_in_options(Some(ticket)).await;
        assert!(matches!(options, Err(PasskeyOptionsError::InvalidTicket)), "{ticket}");
    }
}

/// Makes each change that invalidates tickets, one after the other.
#[tokio::test]
async fn a_change_of_the_account_makes_tickets_invalid() {
    let (app, phone) = FactorApp::with_phone().await;
    let user = app.operator().user(EMAIL).await.unwrap();
    let is_void = async |required: &SecondFactorRequired, phone| {
        let options = app.passkey_sign_in_options(Some(&required.ticket)).await;
        assert!(matches!(options, Err(PasskeyOptionsError::InvalidTicket)), "{options:?}");
        let rejected = app.second_step_with(required, phone).await;
        app.advance(STEP);
        matches!(rejected, Err(CompleteSignInError::InvalidTicket))
    };

    let required = app.first_step().await;
    let ada = app.with_both_factors(&phone).await;
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &caller(),
    };
    app.change_password(change).await.unwrap();
    assert!(is_void(&required, &phone).await, "changed password");

    let required = app.first_step_with(NEW_PASSWORD).await;
    app.operator().set_password(&user, PASSWORD, KnownBrowsers::Keep).await.unwrap();
    assert!(is_void(&required, &phone).await, "password set by an operator");

    let required = app.first_step().await;
    app.operator().disable(user.id).await.unwrap();
    assert!(is_void(&required, &phone).await, "disabled");
    app.operator().enable(user.id).await.unwrap();
    assert!(is_void(&required, &phone).await, "disabled and enabled again");

    let required = app.first_step().await;
    let ada = app.with_both_factors(&phone).await;
    app.turn_second_factor_off(&ada, &caller()).await.unwrap();
    assert!(is_void(&required, &phone).await, "turned off");
    let new_phone = app.turn_on(&ada).await;
    assert!(is_void(&required, &new_phone).await, "turned off and on again");

    let required = app.first_step().await;
    assert!(app.passkey_sign_in_options(Some(&required.ticket)).await.is_ok());
    app.second_step_with(&required, &new_phone).await.unwrap();
    app.advance(STEP);
    assert!(is_void(&required, &new_phone).await, "used");

    let required = app.first_step().await;
    let _ = app.operator().reset_second_factor(user.id).await.unwrap();
    assert!(is_void(&required, &new_phone).await, "reset");
}

#[tokio::test]
async fn a_ticket_is_for_one_user_only() {
    let (app, phone) = FactorApp::with_phone().await;
    let grace = app.grace().await;
    let other_phone = app.turn_on(&grace).await;
    let required = app.first_step().await;
    let wrong = app.second_step_with(&required, &other_phone).await;
    assert!(matches!(wrong, Err(CompleteSignInError::CodeWrong)));
    let code = other_phone.recovery_codes[0].to_text();
    let wrong = app.second_step(&required, SecondFactor::RecoveryCode(&code)).await;
    assert!(matches!(wrong, Err(CompleteSignInError::CodeWrong)));
    app.second_step_with(&required, &phone).await.unwrap();
}

#[tokio::test]
async fn the_choice_to_stay_signed_in_and_the_session_to_replace_are_kept() {
    let (app, phone) = FactorApp::with_phone().await;
    let tokens = app.second_step_with(&app.first_step().await, &phone).await.unwrap();
    let former = app.session_of(&tokens).await;
    assert!(tokens.refresh.max_age.is_none());
    app.advance(STEP);
    let caller = caller();
    let sign_in = SignIn { remember: true, ..SignIn::new(EMAIL, PASSWORD, &caller) };
    let required = required(app.sign_in(sign_in).await.unwrap());
    let code = app.code(&phone);
    let request = CompleteSignIn {
        ticket: &required.ticket,
        factor: SecondFactor::Code(&code),
        caller: &caller,
        replaces: Some(&tokens.refresh.token),
    };
    let tokens = app.complete_sign_in(request).await.unwrap();
    assert!(tokens.refresh.max_age.is_some());
    assert!(!app.is_active(&former).await);
}

#[tokio::test]
async fn neither_a_wrong_password_nor_a_disabled_account_gets_a_ticket() {
    let (app, _) = FactorApp::with_phone().await;
    let caller = caller();
    let wrong = app.sign_in(SignIn::new(EMAIL, NEW_PASSWORD, &caller)).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    let user = app.operator().user(EMAIL).await.unwrap();
    app.operator().disable(user.id).await.unwrap();
    let disabled = app.sign_in(SignIn::new(EMAIL, PASSWORD, &caller)).await;
    assert!(matches!(disabled, Err(SignInError::InvalidCredentials)));
}

/// A browser is known by its device token, as it is after a sign-in with the password alone.
#[tokio::test]
async fn a_known_browser_keeps_its_device_token() {
    let (app, phone) = FactorApp::with_phone().await;
    let device = app.second_step_with(&app.first_step().await, &phone).await.unwrap().device;
    let browser = Caller { device: device.clone(), ..caller() };
    let required = app.first_step().await;
    let code = phone.recovery_codes[0].to_text();
    let request = CompleteSignIn {
        ticket: &required.ticket,
        factor: SecondFactor::RecoveryCode(&code),
        caller: &browser,
        replaces: None,
    };
    let again = app.complete_sign_in(request).await.unwrap().device;
    assert_eq!(*again.unwrap().to_text(), *device.unwrap().to_text());
}

#[tokio::test]
async fn the_first_step_replaces_an_outdated_hash_and_opens_no_session() {
    let (app, _) = FactorApp::with_phone().await;
    let hash = async || app.operator().export(None, 1).await.unwrap()[0].password_hash.to_text();
    let before = hash().await;
    let stronger = app.another_server_with(|config| config.pbkdf2_iterations = 2_000).await;
    first_step_on(&stronger, PASSWORD).await;
    let after = hash().await;
    assert!(before.contains("i=1000,") && after.contains("i=2000,"), "{before} {after}");
    first_step_on(&stronger, PASSWORD).await;
    assert_eq!(hash().await, after);
}

#[tokio::test]
async fn a_second_step_works_on_another_server() {
    let (app, phone) = FactorApp::with_phone().await;
    let required = app.first_step().await;
    let code = app.code(&phone);
    let other = app.another_server().await;
    second_step_on(&other, &required, SecondFactor::Code(&code)).await.unwrap();
}
