use accounts::{SecondFactorPolicy, TurnOffError};

use super::app::{FactorApp, caller};

#[tokio::test]
async fn users_decide_by_default() {
    let app = FactorApp::new().await;
    assert_eq!(app.config().require_second_factor, SecondFactorPolicy::Optional);
    assert!(!app.ada().await.needs_enrolment());
}

#[tokio::test]
async fn users_without_a_required_second_factor_have_to_turn_one_on_and_cannot_turn_it_off() {
    let required = SecondFactorPolicy::Required;
    let app = FactorApp::with_config(|config| config.require_second_factor = required).await;
    let ada = app.ada().await;
    assert!(ada.needs_enrolment());
    app.add(&ada).await;
    assert!(app.ada().await.needs_enrolment(), "the password alone still opens a session");

    let phone = app.turn_on(&app.ada().await).await;
    let ada = app.with_both_factors(&phone).await;
    assert!(!ada.needs_enrolment());
    let turned_off = app.turn_second_factor_off(&ada, &caller()).await;
    assert!(matches!(turned_off, Err(TurnOffError::Enforced)));
    assert!(app.with_both_factors(&phone).await.has_second_factor());
    app.turn_on(&ada).await;
}

#[tokio::test]
async fn an_operator_can_reset_a_required_second_factor() {
    let required = SecondFactorPolicy::Required;
    let app = FactorApp::with_config(|config| config.require_second_factor = required).await;
    let ada = app.ada().await;
    app.turn_on(&ada).await;
    let _ = app.operator().reset_second_factor(ada.id()).await.unwrap();
    assert!(app.ada().await.needs_enrolment());
}
