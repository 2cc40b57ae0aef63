use accounts::http::ApiError;
use accounts::{ChangePassword, DeleteAccountOutcome};
use api_types::ErrorCode::{InvalidFields, Overloaded, TooManyAttempts};
use api_types::{Activity, ChangePasswordRequest, DeleteAccountRequest, Export, Me, Metadata};

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Endpoint, Tag};
use crate::input::{BeforeEnrolment, FreshWithSecondFactor, User, UserAndBody};
use crate::output::{Download, Json, NoContent};
use crate::part::Part;

const ME: &str = "/api/me";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get(ME)
            .operation("me", Tag::Account, "Get the account of the caller")
            .success("The account.")
            .handler(me),
        Endpoint::delete(ME)
            .operation("deleteAccount", Tag::Account, "Delete the account")
            .description("Deletes everything that is stored about the user, ends all sessions, and clears the cookies.")
            .part(Part::Deletion)
            .success("The account has been deleted.")
            .errors(&[InvalidFields, TooManyAttempts, Overloaded])
            .handler(delete_account),
        Endpoint::put("/api/me/password")
            .operation("changePassword", Tag::Account, "Change the password")
            .description("Ends all other sessions of the user. If the request has a valid device cookie, the response replaces it.")
            .part(Part::PasswordChange)
            .success("The password has been changed.")
            .errors(&[InvalidFields, TooManyAttempts, Overloaded])
            .handler(change_password),
        Endpoint::get("/api/me/export")
            .operation("export", Tag::Account, "Export everything that is stored about the caller")
            .part(Part::PersonalData)
            .success("The data, as a file.")
            .errors(&[Overloaded])
            .handler(export),
        Endpoint::get("/api/me/metadata")
            .operation("metadata", Tag::Account, "Get the data that the embedding app stores for the caller")
            .description("Returns the public metadata only. The app can also store private metadata, which no endpoint returns.")
            .part(Part::PersonalData)
            .success("The metadata.")
            .handler(metadata),
        Endpoint::get("/api/me/activity")
            .operation("activity", Tag::Account, "List the latest activity of the account")
            .description("At most 50 events, newest first.")
            .part(Part::PersonalData)
            .success("The events.")
            .errors(&[Overloaded])
            .handler(activity),
    ]
}

async fn me(
    BeforeEnrolment(User(user)): BeforeEnrolment<User>,
    context: Context,
) -> Result<Json<Me>, ApiError> {
    Ok(Json(convert::me(user.user(), &user, context.api.accounts.now())))
}

async fn delete_account(
    BeforeEnrolment(FreshWithSecondFactor(UserAndBody { user, body })): BeforeEnrolment<
        FreshWithSecondFactor<UserAndBody<DeleteAccountRequest>>,
    >,
    context: Context,
) -> Result<NoContent, ApiError> {
    let Context { api, .. } = &context;
    let deleted = api
        .accounts
        .delete_account(&user, &body.password, &context.caller())
        .await
        .map_err(|error| ApiError::from_own_account(error, "password"))?;
    let mut cookies = api.clear_ended_refresh(context.refresh_cookie()).await;
    if deleted == DeleteAccountOutcome::KnownBrowser {
        cookies.push(api.cookies.clear_device());
    }
    Ok(NoContent { cookies })
}

async fn change_password(
    FreshWithSecondFactor(UserAndBody { user, body }): FreshWithSecondFactor<
        UserAndBody<ChangePasswordRequest>,
    >,
    context: Context,
) -> Result<NoContent, ApiError> {
    let ChangePasswordRequest { current_password, new_password } = body;
    let Context { api, .. } = &context;
    let device = api
        .accounts
        .change_password(ChangePassword {
            signed_in: &user,
            current_password: &current_password,
            new_password: &new_password,
            caller: &context.caller(),
        })
        .await
        .map_err(|error| ApiError::from_own_account(error, "current_password"))?;
    Ok(NoContent { cookies: device.iter().map(|token| api.cookies.set_device(token)).collect() })
}

async fn export(User(user): User, context: Context) -> Result<Download<Export>, ApiError> {
    let _slot = context.api.export_slot().await?;
    let accounts = &context.api.accounts;
    let data = accounts.export(&user).await?;
    Ok(Download(convert::export(&data, &user, accounts.now())))
}

async fn metadata(User(user): User, context: Context) -> Result<Json<Metadata>, ApiError> {
    let found = context.api.accounts.metadata(user.id()).await?;
    let public = found.and_then(|metadata| metadata.public);
    Ok(Json(Metadata { metadata: convert::metadata(public.as_ref()) }))
}

async fn activity(User(user): User, context: Context) -> Result<Json<Activity>, ApiError> {
    let events = context.api.accounts.activity(&user).await?;
    Ok(Json(Activity { events: events.iter().map(convert::event).collect() }))
}
