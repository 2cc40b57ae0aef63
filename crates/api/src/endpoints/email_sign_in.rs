use accounts::http::ApiError;
use accounts::{RequestSignInCode, SignInOutcome, SignInWithCode};
use api_types::ErrorCode::{
    Internal, InvalidFields, Overloaded, SecondFactorRequired, TooManyAttempts, Unavailable,
};
use api_types::{EmailTokenRequest, MailRequested, TokenResponse};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Availability, Endpoint, Tag};
use crate::input::{EmailSignIn, Public};
use crate::output::{AcceptedAndCookie, JsonAndCookies};

const EMAIL_TOKEN: &str = "/api/token/email";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(EMAIL_TOKEN)
            .operation("requestLogInCode", Tag::Session, "Send a code for logging in")
            .description("Exists only if the operator has turned log-in by email on. Sets the email log-in cookie. The code works only in a browser with this cookie, and replaces earlier ones. The response does not depend on whether there is an account.")
            .success("If there is an account, the code will be sent.")
            .availability(Availability::EmailSignIn)
            .errors(&[InvalidFields, TooManyAttempts, Overloaded, Internal, Unavailable])
            .handler(request),
        Endpoint::put(EMAIL_TOKEN)
            .operation("logInWithCode", Tag::Session, "Log in with a code")
            .description("Exists only if the operator has turned log-in by email on. Sets the same cookies as `POST /api/token`, and clears the email log-in cookie. Five wrong codes make the code invalid. If the second factor of the account is on, the response to the right code is `second_factor_required`, as for `POST /api/token`.")
            .success("An access token in the body, and a refresh token in the cookie.")
            .availability(Availability::EmailSignIn)
            .errors(&[InvalidFields, SecondFactorRequired, Internal, Unavailable])
            .handler(sign_in),
    ]
}

async fn request(
    Public(body): Public<EmailTokenRequest>,
    context: Context,
) -> Result<AcceptedAndCookie<MailRequested>, ApiError> {
    let EmailTokenRequest { email, remember } = body;
    let Context { api, .. } = &context;
    let caller = &context.caller();
    let request = RequestSignInCode { email: &email, remember, caller };
    let requested = api.accounts.request_sign_in_code(request).await?;
    Ok(AcceptedAndCookie {
        body: convert::mail_requested(requested.expires_in),
        cookie: api.cookies.set_email_sign_in(&requested),
    })
}

async fn sign_in(
    EmailSignIn { token, body }: EmailSignIn,
    context: Context,
) -> Result<JsonAndCookies<TokenResponse>, ApiError> {
    let Context { api, .. } = &context;
    let outcome = api
        .accounts
        .sign_in_with_code(SignInWithCode {
            token: token.as_ref(),
            code: &body.code,
            caller: &context.caller(),
            replaces: context.replaced_refresh_cookie().as_ref(),
        })
        .await?;
    // The code is used up, whether or not a second factor is required.
    let clear = api.cookies.clear_email_sign_in();
    match outcome {
        SignInOutcome::SignedIn(issued) => {
            let mut response = convert::tokens(&issued, &api.cookies);
            response.cookies.push(clear);
            Ok(response)
        }
        SignInOutcome::SecondFactorRequired(required) => {
            let required = convert::second_factor_required(&required);
            Err(ApiError::SecondFactorRequired(required, Some(clear)))
        }
    }
}
