//! The changes after which a ticket is no longer valid.

use auth_core::Ticket;

use crate::codes::{ChangeEmailOutcome, ResetPasswordOutcome};
use crate::conformance::code_steps::{change, change_to, kinds_of_events};
use crate::conformance::deployment::Deployment;
use crate::conformance::factor_steps::{
    App, add_passkey, code_step, enter_code, enter_recovery_code, is_opened, recovery_codes,
    second_step, second_step_at, sign_up_with_app, stored, take, ticket,
};
use crate::conformance::steps::{
    NOW, SECOND, Server, acting, hash, is_alive, password_reset, reauthenticate, request_reset,
    set_password,
};
use crate::factors::{PresentedFactor, SecondStepOutcome, TurnOffOutcome, TurnOnOutcome};
use crate::users::{ReauthenticatedChangeOutcome, UpdateUserOutcome};

cases! {
    ($) tickets_cases in tickets;
    a_ticket_expires,
    a_ticket_is_void_after_a_change_of_the_password,
    a_ticket_is_void_after_an_operator_has_set_the_password,
    a_ticket_is_void_after_a_reset_of_the_password,
    a_ticket_is_void_after_a_change_of_the_email,
    a_ticket_is_void_after_the_account_was_disabled,
    a_ticket_is_void_after_the_second_factor_was_turned_off,
}

async fn a_ticket_expires(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let ticket = ticket(&store, &ada).await;
    let at = async |now| {
        let factor = PresentedFactor::AppCode(app.secret.code_at(now));
        take(&store, &second_step_at(ticket, factor, now)).await
    };
    let factors = async |now| store.factors_of_ticket(&ticket, now).await.unwrap();
    assert_eq!(factors(ticket.expires_at).await, None);
    assert_eq!(at(ticket.expires_at).await, SecondStepOutcome::TicketInvalid);
    // A look-up does not use up the ticket.
    let last = ticket.expires_at - SECOND / 1_000;
    assert_eq!(factors(last).await, Some(store.factors(ada.id).await.unwrap()));
    assert!(is_opened(&at(last).await));
    assert_eq!(factors(last).await, None, "it was used");
}

/// Asserts that a ticket is not valid, and that a code with it is neither used up nor counted.
async fn assert_void(store: &Server, ticket: Ticket, app: &App) {
    let events = kinds_of_events(store).await;
    for code in [app.code(), app.wrong_code()] {
        let step = code_step(ticket, code);
        assert_eq!(take(store, &step).await, SecondStepOutcome::TicketInvalid);
        assert!(!is_alive(store, &step.session.session).await);
    }
    assert_eq!(store.factors_of_ticket(&ticket, NOW).await.unwrap(), None);
    assert_eq!(kinds_of_events(store).await, events);
}

async fn a_ticket_is_void_after_a_change_of_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let proof = reauthenticate(&store, &ada, &session).await;
    let changed = store.change_password(&proof, &hash(), None, NOW).await.unwrap();
    assert_eq!(changed, ReauthenticatedChangeOutcome::Done);
    assert_void(&store, former, &app).await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_an_operator_has_set_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    assert_eq!(set_password(&store, &ada, &hash()).await.unwrap(), UpdateUserOutcome::Updated);
    assert_void(&store, former, &app).await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_a_reset_of_the_password(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let before = store.factors(ada.id).await.unwrap();
    let token = request_reset(&store, &ada).await;
    let reset = store.reset_password(&password_reset(&token), NOW).await.unwrap();
    assert!(matches!(reset, ResetPasswordOutcome::Reset { .. }), "{reset:?}");
    assert_void(&store, former, &app).await;
    // The reset removes no factor, and signs nobody in.
    assert_eq!(store.factors(ada.id).await.unwrap(), before);
    assert!(!is_alive(&store, &session).await);
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_a_change_of_the_email(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let code = change_to(&store, &ada, &session, "lovelace@example.com").await;
    let changed = change(&store, &session, &code).await;
    assert!(matches!(changed, ChangeEmailOutcome::Changed { .. }), "{changed:?}");
    assert_void(&store, former, &app).await;
    let ada = stored(&store, &ada).await;
    assert_eq!(ada.second_factor_at, Some(NOW));
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_the_account_was_disabled(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_void(&store, former, &app).await;
    assert_eq!(store.enable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_void(&store, former, &app).await;
    assert!(is_opened(&enter_code(&store, &ada, app.code()).await));
}

async fn a_ticket_is_void_after_the_second_factor_was_turned_off(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, session, app) = sign_up_with_app(&store, "ada@example.com").await;
    let former = ticket(&store, &ada).await;
    let later = NOW + SECOND / 1_000;
    let off = store.turn_second_factor_off(&acting(&session), None, NOW).await.unwrap();
    assert_eq!(off, TurnOffOutcome::TurnedOff);
    assert_void(&store, former, &app).await;

    // It stays void when the second factor is on again.
    add_passkey(&store, &session).await;
    let codes = recovery_codes();
    let on = store.turn_second_factor_on(&acting(&session), &codes, None, later).await.unwrap();
    assert_eq!(on, TurnOnOutcome::TurnedOn);
    let step = second_step(former, PresentedFactor::RecoveryCode(codes[0]));
    assert_eq!(take(&store, &step).await, SecondStepOutcome::TicketInvalid);
    assert!(is_opened(&enter_recovery_code(&store, &ada, codes[0]).await));
}
