use accounts::http::{ApiError, FactorField, rejected_credential};
use accounts::{AssertionCredential, CompleteSignIn, SecondFactor};
use api_types::ErrorCode::{
    Internal, InvalidFields, InvalidTicket, PasskeysUnavailable, TooManyAttempts, Unavailable,
};
use api_types::{RequestBody as _, SecondFactorRequest, TokenResponse};
use serde_json::Value;

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::Public;
use crate::output::JsonAndCookies;
use crate::part::Part;

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/token/second-factor")
            .operation("completeLogIn", Tag::Session, "Complete a log-in with a second factor")
            .description("Takes the ticket of `second_factor_required`, and exactly one of `code`, `recovery_code` and `credential`. Sets the same cookies as `POST /api/token`. A wrong second factor does not use up the ticket.")
            .part(Part::SecondFactors)
            .success("An access token in the body, and a refresh token in the cookie.")
            .errors(&[
                InvalidTicket,
                InvalidFields,
                TooManyAttempts,
                PasskeysUnavailable,
                Internal,
                Unavailable,
            ])
            .handler(complete_sign_in),
    ]
}

async fn complete_sign_in(
    Public(body): Public<SecondFactorRequest>,
    context: Context,
) -> Result<JsonAndCookies<TokenResponse>, ApiError> {
    let SecondFactorRequest { ticket, code, recovery_code, credential } = body;
    let parsed_credential;
    let (factor, field) = match (&code, &recovery_code, credential) {
        (Some(code), None, None) => (SecondFactor::Code(code), FactorField::Code),
        (None, Some(code), None) => (SecondFactor::RecoveryCode(code), FactorField::RecoveryCode),
        (None, None, Some(credential)) => {
            parsed_credential = AssertionCredential::parse(&Value::Object(credential))
                .map_err(|_| ApiError::InvalidFields(vec![rejected_credential()]))?;
            (SecondFactor::Passkey(&parsed_credential), FactorField::Credential)
        }
        _ => return Err(ApiError::InvalidRequest(SecondFactorRequest::SHAPE.into())),
    };
    let Context { api, .. } = &context;
    let issued = api
        .accounts
        .complete_sign_in(CompleteSignIn {
            ticket: &ticket,
            factor,
            caller: &context.caller(),
            replaces: context.replaced_refresh_cookie().as_ref(),
        })
        .await
        .map_err(|error| ApiError::from_complete_sign_in(error, field))?;
    Ok(convert::tokens(&issued, &api.cookies))
}
