use accounts::{
    AddPasskeyError, ChangeFactorError, ChangePassword, ConfirmTotpError, OwnAccountError,
    PasskeyRegistrationError, RemovePasskeyError, ReplaceRecoveryCodesError, SignedIn,
    TurnOffError, TurnOnError,
};

use super::app::{FactorApp, MILLISECOND, MINUTE, caller};
use crate::app::{NEW_PASSWORD, PASSWORD, SERVICE};
use crate::passkey::SoftPasskey;

/// A sign-in is fresh for exactly ten minutes.
#[tokio::test]
async fn factors_can_be_changed_for_ten_minutes_after_a_sign_in() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    app.advance(10 * MINUTE);
    assert!(ada.is_fresh(app.now()));
    app.begin_totp(&ada, &caller()).await.unwrap();
    app.advance(MILLISECOND);
    assert!(!ada.is_fresh(app.now()));
    let late = app.begin_totp(&ada, &caller()).await;
    assert!(matches!(late, Err(ChangeFactorError::StepUpRequired)));
    app.begin_totp(&app.ada().await, &caller()).await.unwrap();
}

#[tokio::test]
async fn every_change_of_factors_needs_a_fresh_sign_in() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    let (_, passkey) = app.add(&ada).await;
    let challenge = app.passkey_registration_options(&ada).await.unwrap().challenge;
    let credential = SoftPasskey::new(SERVICE, ada.id().as_uuid().as_bytes()).register(&challenge);
    let caller = &caller();
    app.begin_totp(&ada, caller).await.unwrap();
    app.advance(10 * MINUTE + MILLISECOND);

    use ChangeFactorError::StepUpRequired;
    assert!(matches!(app.begin_totp(&ada, caller).await, Err(StepUpRequired)));
    let confirmed = app.confirm_totp(&ada, "123456", caller).await;
    assert!(matches!(confirmed, Err(ConfirmTotpError::Change(StepUpRequired))));
    let turned_on = app.turn_second_factor_on(&ada, caller).await;
    assert!(matches!(turned_on, Err(TurnOnError::Change(StepUpRequired))));
    let turned_off = app.turn_second_factor_off(&ada, caller).await;
    assert!(matches!(turned_off, Err(TurnOffError::Change(StepUpRequired))));
    let replaced = app.replace_recovery_codes(&ada, caller).await;
    assert!(matches!(replaced, Err(ReplaceRecoveryCodesError::Change(StepUpRequired))));
    let options = app.passkey_registration_options(&ada).await;
    assert!(matches!(options, Err(PasskeyRegistrationError::Change(StepUpRequired))));
    let request =
        accounts::AddPasskey { signed_in: &ada, name: "Phone", credential: &credential, caller };
    let added = app.add_passkey(request).await;
    assert!(matches!(added, Err(AddPasskeyError::Change(StepUpRequired))));
    let removed = app.remove_passkey(&ada, passkey.id, caller).await;
    assert!(matches!(removed, Err(RemovePasskeyError::Change(StepUpRequired))));

    app.rename_passkey(&ada, passkey.id, "Phone").await.unwrap();
    assert_eq!(app.factors(&ada).await.unwrap().passkeys.len(), 1);
}

async fn change_password(app: &FactorApp, signed_in: &SignedIn) -> Result<(), OwnAccountError> {
    let change = ChangePassword {
        signed_in,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &caller(),
    };
    app.change_password(change).await.map(drop)
}

#[tokio::test]
async fn the_password_alone_changes_an_account_while_the_second_factor_is_off() {
    let app = FactorApp::new().await;
    let ada = app.ada().await;
    app.advance(15 * MINUTE);
    change_password(&app, &ada).await.unwrap();
    let _ = app.delete_account(&ada, NEW_PASSWORD, &caller()).await.unwrap();
}

/// Otherwise, a thief with a session and the password could take over the account without the
/// second factor.
#[tokio::test]
async fn a_change_with_the_password_needs_a_fresh_sign_in_while_the_second_factor_is_on() {
    let (app, phone) = FactorApp::with_phone().await;
    let ada = app.with_both_factors(&phone).await;
    app.advance(10 * MINUTE);
    let changed = change_password(&app, &ada).await;
    assert!(matches!(changed, Err(OwnAccountError::StepUpRequired)));
    let deleted = app.delete_account(&ada, PASSWORD, &caller()).await;
    assert!(matches!(deleted, Err(OwnAccountError::StepUpRequired)));
    let ada = app.with_both_factors(&phone).await;
    change_password(&app, &ada).await.unwrap();
    let _ = app.delete_account(&ada, NEW_PASSWORD, &caller()).await.unwrap();
}
