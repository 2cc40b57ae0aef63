use accounts::RequestEmailChange;
use accounts::http::ApiError;
use api_types::ErrorCode::{
    AlreadyVerified, EmailTaken, InvalidFields, Overloaded, TooManyAttempts,
};
use api_types::{ChangeEmailRequest, CodeRequest, Empty, MailRequested, Me};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Availability, Endpoint, Tag};
use crate::input::{BeforeEnrolment, FreshWithSecondFactor, UserAndBody};
use crate::output::{Accepted, Json, JsonAndOptionalCookies};
use crate::part::Part;

const VERIFICATION: &str = "/api/me/email/verification";
const EMAIL: &str = "/api/me/email";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post(VERIFICATION)
            .operation("sendVerificationCode", Tag::Account, "Send a code that verifies the email address")
            .description("The code replaces earlier ones.")
            .part(Part::Email)
            .success("The code will be sent.")
            .availability(Availability::Mail)
            .errors(&[AlreadyVerified, TooManyAttempts, Overloaded])
            .handler(send_verification_code),
        Endpoint::put(VERIFICATION)
            .operation("verifyEmail", Tag::Account, "Verify the email address")
            .description("Five wrong codes make the code invalid.")
            .part(Part::Email)
            .success("The account.")
            .availability(Availability::Mail)
            .errors(&[InvalidFields])
            .handler(verify_email),
        Endpoint::post(EMAIL)
            .operation("requestEmailChange", Tag::Account, "Send a code that changes the email address")
            .description("The code is sent to the new address, and replaces earlier ones. If the current address is verified, it gets a notice. The response does not depend on whether the new address has an account.")
            .part(Part::Email)
            .success("The mail will be sent.")
            .availability(Availability::Mail)
            .errors(&[InvalidFields, TooManyAttempts, Overloaded])
            .handler(request_email_change),
        Endpoint::put(EMAIL)
            .operation("changeEmail", Tag::Account, "Change the email address")
            .description("The new address is verified. Ends all other sessions of the user. If the request has a valid device cookie, the response replaces it.")
            .part(Part::Email)
            .success("The account.")
            .availability(Availability::Mail)
            .errors(&[EmailTaken, InvalidFields])
            .handler(change_email),
    ]
}

async fn send_verification_code(
    BeforeEnrolment(UserAndBody { user, body: Empty {} }): BeforeEnrolment<UserAndBody<Empty>>,
    context: Context,
) -> Result<Accepted<MailRequested>, ApiError> {
    let accounts = &context.api.accounts;
    let expires_in = accounts.send_verification_code(&user, &context.caller()).await?;
    Ok(Accepted(convert::mail_requested(expires_in)))
}

async fn verify_email(
    BeforeEnrolment(UserAndBody { user, body }): BeforeEnrolment<UserAndBody<CodeRequest>>,
    context: Context,
) -> Result<Json<Me>, ApiError> {
    let accounts = &context.api.accounts;
    let account = accounts.verify_email(&user, &body.code, &context.caller()).await?;
    Ok(Json(convert::me(&account, &user, accounts.now())))
}

async fn request_email_change(
    FreshWithSecondFactor(UserAndBody { user, body }): FreshWithSecondFactor<
        UserAndBody<ChangeEmailRequest>,
    >,
    context: Context,
) -> Result<Accepted<MailRequested>, ApiError> {
    let ChangeEmailRequest { email, password } = body;
    let expires_in = context
        .api
        .accounts
        .request_email_change(RequestEmailChange {
            signed_in: &user,
            new_email: &email,
            password: &password,
            caller: &context.caller(),
        })
        .await?;
    Ok(Accepted(convert::mail_requested(expires_in)))
}

async fn change_email(
    UserAndBody { user, body }: UserAndBody<CodeRequest>,
    context: Context,
) -> Result<JsonAndOptionalCookies<Me>, ApiError> {
    let Context { api, .. } = &context;
    let changed = api.accounts.change_email(&user, &body.code, &context.caller()).await?;
    Ok(JsonAndOptionalCookies {
        body: convert::me(&changed.user, &user, api.accounts.now()),
        cookies: changed.device.iter().map(|token| api.cookies.set_device(token)).collect(),
    })
}
