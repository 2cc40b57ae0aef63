use std::time::Duration;

use accounts::{
    CompleteSignInError, KeyActivation, PasskeySignInError, SecondFactor, SignInWithPasskey,
};

use super::app::{FactorApp, caller, first_step_on, second_step_on};
use crate::app::PASSWORD;

/// Waits until a ticket of an unknown key can cause another read of the keys, which it can at most
/// once a second.
async fn wait_for_read() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_ticket_of_a_key_that_another_server_uses_already_is_valid() {
    let (app, phone) = FactorApp::with_phone().await;
    let other = app.another_server().await;
    app.operator().rotate_keys(KeyActivation::Immediate).await.unwrap();
    let required = app.first_step().await;
    let code = app.code(&phone);
    second_step_on(&other, &required, SecondFactor::Code(&code)).await.unwrap();
}

#[tokio::test]
async fn a_challenge_of_a_key_that_another_server_uses_already_is_valid() {
    let app = FactorApp::new().await;
    let (soft, _) = app.add(&app.ada().await).await;
    let other = app.another_server().await;
    app.operator().rotate_keys(KeyActivation::Immediate).await.unwrap();
    let credential = &soft.assert(&app.challenge(None).await);
    let request =
        SignInWithPasskey { credential, remember: false, caller: &caller(), replaces: None };
    other.sign_in_with_passkey(request).await.unwrap();
}

/// Otherwise, an attacker with a stolen key could skip the password until every server has read the
/// keys again.
#[tokio::test]
async fn a_ticket_and_a_challenge_of_a_retired_key_are_rejected_at_once() {
    let (app, phone) = FactorApp::with_phone().await;
    let (soft, _) = app.add(&app.with_both_factors(&phone).await).await;
    // Neither server has read the keys since the key was retired.
    let (other, third) = (app.another_server().await, app.another_server().await);
    let required = first_step_on(&other, PASSWORD).await;
    let challenge = third.passkey_sign_in_options(None).await.unwrap().challenge;

    let stolen = app.operator().keys().await.unwrap()[0].kid.clone();
    app.operator().rotate_keys(KeyActivation::Immediate).await.unwrap();
    let _ = app.operator().retire_key(&stolen).await.unwrap();
    let code = app.code(&phone);
    let rejected = second_step_on(&other, &required, SecondFactor::Code(&code)).await;
    assert!(matches!(rejected, Err(CompleteSignInError::InvalidTicket)));
    let credential = &soft.assert(&challenge);
    let request =
        SignInWithPasskey { credential, remember: false, caller: &caller(), replaces: None };
    let rejected = third.sign_in_with_passkey(request).await;
    assert!(matches!(rejected, Err(PasskeySignInError::InvalidCredentials)));

    wait_for_read().await;
    let required = first_step_on(&other, PASSWORD).await;
    second_step_on(&other, &required, SecondFactor::Code(&code)).await.unwrap();
}
