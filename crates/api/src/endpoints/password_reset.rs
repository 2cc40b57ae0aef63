use accounts::http::ApiError;
use api_types::ErrorCode::{Internal, InvalidFields, Overloaded, TooManyAttempts, Unavailable};
use api_types::{MailRequested, PasswordReset, RequestPasswordResetRequest, ResetPasswordRequest};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Availability, Endpoint, Tag};
use crate::input::Public;
use crate::output::{Accepted, JsonAndOptionalCookies};
use crate::part::Part;

const PASSWORD_RESET: &str = "/api/password-reset";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(PASSWORD_RESET)
            .operation("requestPasswordReset", Tag::Account, "Send a link that resets the password")
            .description("The link replaces earlier ones. The response does not depend on whether there is an account.")
            .part(Part::PasswordReset)
            .success("If there is an account, the link will be sent.")
            .availability(Availability::Mail)
            .errors(&[InvalidFields, TooManyAttempts, Overloaded, Internal, Unavailable])
            .handler(request),
        Endpoint::put(PASSWORD_RESET)
            .operation("resetPassword", Tag::Account, "Reset the password")
            .description("Verifies the email address, and ends all sessions of the user without opening one. Sets the device cookie.")
            .part(Part::PasswordReset)
            .success("The email address of the account.")
            .availability(Availability::Mail)
            .errors(&[InvalidFields, Overloaded, Internal, Unavailable])
            .handler(reset),
    ]
}

async fn request(
    Public(body): Public<RequestPasswordResetRequest>,
    context: Context,
) -> Result<Accepted<MailRequested>, ApiError> {
    let accounts = &context.api.accounts;
    let expires_in = accounts.request_password_reset(&body.email, &context.caller()).await?;
    Ok(Accepted(convert::mail_requested(expires_in)))
}

async fn reset(
    Public(body): Public<ResetPasswordRequest>,
    context: Context,
) -> Result<JsonAndOptionalCookies<PasswordReset>, ApiError> {
    let ResetPasswordRequest { token, new_password } = body;
    let Context { api, .. } = &context;
    let reset = api.accounts.reset_password(&token, &new_password, &context.caller()).await?;
    let mut cookies = match context.refresh_cookie() {
        Some(token) => api.clear_ended_refresh(Some(token)).await,
        None => Vec::new(),
    };
    cookies.extend(reset.device.iter().map(|token| api.cookies.set_device(token)));
    let body = PasswordReset { email: reset.email.as_str().to_owned() };
    Ok(JsonAndOptionalCookies { body, cookies })
}
