use accounts::http::ApiError;
use accounts::{SignIn, SignInOutcome};
use api_types::ErrorCode::{
    Internal, InvalidCredentials, Overloaded, SecondFactorRequired, TooManyAttempts, Unavailable,
};
use api_types::{Empty, TokenRequest, TokenResponse};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::{BeforeEnrolment, Public, RefreshCookie, UserAndBody};
use crate::output::{JsonAndCookies, NoContent};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/token")
            .operation("logIn", Tag::Session, "Log in")
            .description("Sets the refresh cookie, and sets or renews the device cookie. If the second factor of the account is on, the response to the right password is `second_factor_required`, with a ticket for `POST /api/token/second-factor`.")
            .success("An access token in the body, and a refresh token in the cookie.")
            .errors(&[
                InvalidCredentials,
                SecondFactorRequired,
                TooManyAttempts,
                Overloaded,
                Internal,
                Unavailable,
            ])
            .handler(sign_in),
        Endpoint::post("/api/token/refresh")
            .operation("refresh", Tag::Session, "Refresh the session")
            .description("Each use replaces the refresh token.")
            .success("A new access token in the body, and a new refresh token in the cookie.")
            .handler(refresh),
        Endpoint::post("/api/logout")
            .operation("logOut", Tag::Session, "Log out")
            .description(
                "Ends the session immediately, on all servers, and clears the refresh cookie.",
            )
            .success("The session has ended.")
            .handler(sign_out),
    ]
}

async fn sign_in(
    Public(body): Public<TokenRequest>,
    context: Context,
) -> Result<JsonAndCookies<TokenResponse>, ApiError> {
    let TokenRequest { email, password, remember } = body;
    let outcome = context
        .api
        .accounts
        .sign_in(SignIn {
            email: &email,
            password: &password,
            remember,
            caller: &context.caller(),
            replaces: context.replaced_refresh_cookie().as_ref(),
        })
        .await?;
    match outcome {
        SignInOutcome::SignedIn(issued) => Ok(convert::tokens(&issued, &context.api.cookies)),
        SignInOutcome::SecondFactorRequired(required) => {
            Err(ApiError::SecondFactorRequired(convert::second_factor_required(&required), None))
        }
    }
}

async fn refresh(
    RefreshCookie(token): RefreshCookie,
    context: Context,
) -> Result<JsonAndCookies<TokenResponse>, ApiError> {
    let cookies = &context.api.cookies;
    let issued = context
        .api
        .accounts
        .refresh(&token, &context.client())
        .await
        .map_err(|error| ApiError::from_refresh(error, || cookies.clear_refresh()))?;
    Ok(convert::tokens(&issued, cookies))
}

async fn sign_out(
    BeforeEnrolment(UserAndBody { user, body: Empty {} }): BeforeEnrolment<UserAndBody<Empty>>,
    context: Context,
) -> Result<NoContent, ApiError> {
    context.api.accounts.sign_out(&user, &context.client()).await?;
    Ok(NoContent { cookies: context.api.clear_ended_refresh(context.refresh_cookie()).await })
}
