use accounts::http::ApiError;
use api_types::ErrorCode::{
    InvalidFields, NoFactor, NoPendingTotp, Overloaded, SecondFactorEnforced, SecondFactorOff,
    TooManyAttempts,
};
use api_types::{ConfirmTotpRequest, Empty, Factors, PendingTotp, RecoveryCodes};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Availability, Endpoint, Tag};
use crate::input::{
    AddFactor, BeforeEnrolment, ChangeFactors, Fresh, User, UserAndBody, UserWithoutBody,
};
use crate::output::{Json, NoContent};
use crate::part::Part;

const TOTP: &str = "/api/me/totp";
const SECOND_FACTOR: &str = "/api/me/second-factor";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/api/me/factors")
            .operation("factors", Tag::SecondFactor, "List the second factors and the passkeys")
            .part(Part::SecondFactors)
            .success("The second factors and the passkeys, without secrets.")
            .errors(&[Overloaded])
            .handler(factors),
        Endpoint::post(TOTP)
            .operation("beginTotp", Tag::SecondFactor, "Begin to set up an authenticator app")
            .description("Replaces an app that is being set up. An app that is in use stays in use.")
            .part(Part::SecondFactors)
            .success("The secret for the app, which is shown once.")
            .errors(&[TooManyAttempts])
            .handler(begin_totp),
        Endpoint::put(TOTP)
            .operation("confirmTotp", Tag::SecondFactor, "Confirm the app that is being set up")
            .description("Turns the second factor on if it is off, or replaces the app in use. Ends all other sessions of the user.")
            .part(Part::SecondFactors)
            .success("Ten recovery codes, which are shown once, if this turned the second factor on. Otherwise, none: the earlier ones stay valid.")
            .errors(&[InvalidFields, NoPendingTotp, TooManyAttempts])
            .handler(confirm_totp),
        Endpoint::put(SECOND_FACTOR)
            .operation("turnSecondFactorOn", Tag::SecondFactor, "Require a passkey after the password")
            .description("Needs a passkey. Ends all other sessions of the user.")
            .part(Part::SecondFactors)
            .success("Ten recovery codes, which are shown once, if this turned the second factor on. Otherwise, none: the earlier ones stay valid.")
            .availability(Availability::Passkeys)
            .errors(&[NoFactor, TooManyAttempts])
            .handler(turn_on),
        Endpoint::delete(SECOND_FACTOR)
            .operation("turnSecondFactorOff", Tag::SecondFactor, "Turn the second factor off")
            .description("Deletes the app and the recovery codes, and ends all other sessions of the user. Passkeys stay.")
            .part(Part::SecondFactors)
            .success("The second factor is off.")
            .errors(&[SecondFactorEnforced])
            .handler(turn_off),
        Endpoint::post("/api/me/recovery-codes")
            .operation("replaceRecoveryCodes", Tag::SecondFactor, "Replace the recovery codes")
            .description("The earlier ones become invalid.")
            .part(Part::SecondFactors)
            .success("Ten recovery codes, which are shown once.")
            .errors(&[SecondFactorOff, TooManyAttempts])
            .handler(replace_recovery_codes),
    ]
}

async fn factors(
    BeforeEnrolment(User(user)): BeforeEnrolment<User>,
    context: Context,
) -> Result<Json<Factors>, ApiError> {
    let factors = context.api.accounts.factors(&user).await?;
    Ok(Json(convert::factors(&factors)))
}

async fn begin_totp(
    AddFactor(UserAndBody { user, body: Empty {} }): AddFactor<UserAndBody<Empty>>,
    context: Context,
) -> Result<Json<PendingTotp>, ApiError> {
    let pending = context.api.accounts.begin_totp(&user, &context.caller()).await?;
    Ok(Json(convert::pending_totp(&pending)))
}

async fn confirm_totp(
    AddFactor(UserAndBody { user, body }): AddFactor<UserAndBody<ConfirmTotpRequest>>,
    context: Context,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let accounts = &context.api.accounts;
    let codes = accounts.confirm_totp(&user, &body.code, &context.caller()).await?;
    Ok(Json(convert::recovery_codes(&codes)))
}

async fn turn_on(
    AddFactor(UserAndBody { user, body: Empty {} }): AddFactor<UserAndBody<Empty>>,
    context: Context,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let codes = context.api.accounts.turn_second_factor_on(&user, &context.caller()).await?;
    Ok(Json(convert::recovery_codes(&codes)))
}

async fn turn_off(
    ChangeFactors(UserWithoutBody(user)): ChangeFactors<UserWithoutBody>,
    context: Context,
) -> Result<NoContent, ApiError> {
    context.api.accounts.turn_second_factor_off(&user, &context.caller()).await?;
    Ok(NoContent::default())
}

async fn replace_recovery_codes(
    Fresh(UserAndBody { user, body: Empty {} }): Fresh<UserAndBody<Empty>>,
    context: Context,
) -> Result<Json<RecoveryCodes>, ApiError> {
    let codes = context.api.accounts.replace_recovery_codes(&user, &context.caller()).await?;
    Ok(Json(convert::recovery_codes(&codes)))
}
