//! Concurrent requests on two servers.

use accounts::{
    Accounts, ChangePassword, CompleteSignInError, RecoveryCode, SecondFactor, SignIn,
    SignInOutcome, SignInWithPasskey,
};
use futures_util::future::{join, join_all};

use super::app::{FactorApp, caller, second_step_on};
use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD};

#[tokio::test]
async fn one_ticket_opens_one_session_with_any_factors() {
    let (app, phone) = FactorApp::with_phone().await;
    let other = app.another_server().await;
    let required = app.first_step().await;
    let codes: Vec<_> = phone.recovery_codes[..7].iter().map(RecoveryCode::to_text).collect();
    let app_code = app.code(&phone);
    let factors = codes.iter().map(|code| SecondFactor::RecoveryCode(code));
    let factors = factors.chain([SecondFactor::Code(&app_code)]);
    let servers: [&Accounts; 2] = [&app, &other];
    let uses = factors.enumerate().map(|(n, factor)| {
        let server = servers[n % 2];
        second_step_on(server, &required, factor)
    });
    let results = join_all(uses).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let is_void = |result: &Result<_, _>| matches!(result, Err(CompleteSignInError::InvalidTicket));
    assert_eq!(results.iter().filter(|result| is_void(result)).count(), 7);
}

#[tokio::test]
async fn one_code_opens_one_session_with_any_tickets() {
    let (app, phone) = FactorApp::with_phone().await;
    let other = app.another_server().await;
    let mut tickets = Vec::new();
    for _ in 0..8 {
        tickets.push(app.first_step().await);
    }
    let (app_code, recovery_code) = (app.code(&phone), phone.recovery_codes[0].to_text());
    let factors = [SecondFactor::Code(&app_code), SecondFactor::RecoveryCode(&recovery_code)];
    let servers: [&Accounts; 2] = [&app, &other];
    let uses = tickets
        .iter()
        .enumerate()
        .map(|(n, required)| second_step_on(servers[n % 2], required, factors[n / 2 % 2]));
    let results = join_all(uses).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 2, "one with each code");
}

#[tokio::test]
async fn one_challenge_opens_one_session() {
    let app = FactorApp::new().await;
    let (soft, _) = app.add(&app.ada().await).await;
    let other = app.another_server().await;
    let credential = &soft.assert(&app.challenge(None).await);
    let caller = &caller();
    let request = SignInWithPasskey { credential, remember: false, caller, replaces: None };
    let servers: [&Accounts; 2] = [&app, &other];
    let uses = (0..8).map(|n| servers[n % 2].sign_in_with_passkey(request));
    let results = join_all(uses).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
}

/// If a sign-in with the password alone races with turning the second factor on, it requires the
/// second factor, or its session ends.
#[tokio::test]
async fn no_session_with_the_password_alone_outlives_turning_the_second_factor_on() {
    let app = FactorApp::new().await;
    let other = app.another_server().await;
    let ada = app.ada().await;
    let secret = app.begin_totp(&ada, &caller()).await.unwrap().secret;
    let code = secret.code_at(app.now()).to_text();
    let caller = &caller();
    let sign_ins = join_all((0..10).map(|_| other.sign_in(SignIn::new(EMAIL, PASSWORD, caller))));
    let (sign_ins, confirmed) = join(sign_ins, app.confirm_totp(&ada, &code, caller)).await;
    confirmed.unwrap();
    for outcome in sign_ins {
        if let SignInOutcome::SignedIn(tokens) = outcome.unwrap() {
            assert!(app.authenticate(tokens.access.token.as_str()).await.is_err());
        }
    }
    assert_eq!(app.operator().sessions(ada.id()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn no_second_step_with_the_old_password_outlives_a_change_of_the_password() {
    let (app, phone) = FactorApp::with_phone().await;
    let other = app.another_server().await;
    let ada = app.with_both_factors(&phone).await;
    let mut tickets = Vec::new();
    for _ in 0..8 {
        tickets.push(app.first_step().await);
    }
    let codes: Vec<_> = phone.recovery_codes.iter().map(RecoveryCode::to_text).collect();
    let caller = &caller();
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller,
    };
    let steps = tickets
        .iter()
        .zip(&codes)
        .map(|(required, code)| second_step_on(&other, required, SecondFactor::RecoveryCode(code)));
    let (steps, changed) = join(join_all(steps), app.change_password(change)).await;
    changed.unwrap();
    for tokens in steps.into_iter().flatten() {
        assert!(app.authenticate(tokens.access.token.as_str()).await.is_err());
    }
    assert_eq!(app.operator().sessions(ada.id()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn concurrent_wrong_codes_are_compared_ten_times() {
    let (app, phone) = FactorApp::with_phone().await;
    let other = app.another_server().await;
    let (required, wrong) = (app.first_step().await, app.wrong_code(&phone));
    let servers: [&Accounts; 2] = [&app, &other];
    let tries =
        (0..30).map(|n| second_step_on(servers[n % 2], &required, SecondFactor::Code(&wrong)));
    let results = join_all(tries).await;
    let is_wrong = |result: &&Result<_, _>| matches!(result, Err(CompleteSignInError::CodeWrong));
    assert_eq!(results.iter().filter(is_wrong).count(), 10);
}
