use accounts::http::{ApiError, passkey_name_error, rejected_credential};
use accounts::{
    AddPasskey, AssertionCredential, PasskeyId, PasskeyName, RegistrationCredential,
    SignInWithPasskey,
};
use api_types::ErrorCode::{
    ChallengeExpired, Internal, InvalidCredentials, InvalidFields, InvalidTicket, LastFactor,
    NotFound, Overloaded, PasskeyTaken, TooManyAttempts, TooManyPasskeys, Unavailable,
};
use api_types::{
    AddPasskeyRequest, Empty, Passkey, PasskeyOptionsRequest, PasskeyTokenRequest,
    PublicKeyCredentialCreationOptions, PublicKeyCredentialRequestOptions, RenamePasskeyRequest,
    TokenResponse,
};
use serde_json::Value;

use crate::context::Context;
use crate::convert;
use crate::endpoint::{Availability, Endpoint, Tag};
use crate::input::{
    AddFactor, BeforeEnrolment, ChangeFactors, Public, UserAndBody, UserWithoutBody,
};
use crate::output::{Created, Json, JsonAndCookies, NoContent};
use crate::part::Part;

const PASSKEY: &str = "/api/me/passkeys/{id}";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::post("/api/me/passkeys/options")
            .operation("passkeyCreationOptions", Tag::SecondFactor, "Get the options for a new passkey")
            .description("They are for `navigator.credentials.create`, and expire after 5 minutes.")
            .part(Part::SecondFactors)
            .success("The options.")
            .availability(Availability::Passkeys)
            .errors(&[Overloaded])
            .handler(creation_options),
        Endpoint::post("/api/me/passkeys")
            .operation("addPasskey", Tag::SecondFactor, "Add a passkey")
            .description("Takes what `navigator.credentials.create` returned. The options must come from the same session.")
            .part(Part::SecondFactors)
            .success("The passkey.")
            .availability(Availability::Passkeys)
            .errors(&[InvalidFields, PasskeyTaken, TooManyPasskeys, TooManyAttempts])
            .handler(add),
        Endpoint::put(PASSKEY)
            .operation("renamePasskey", Tag::SecondFactor, "Rename a passkey")
            .part(Part::SecondFactors)
            .success("The passkey.")
            .errors(&[InvalidFields, NotFound])
            .handler_with_path(rename),
        Endpoint::delete(PASSKEY)
            .operation("removePasskey", Tag::SecondFactor, "Remove a passkey")
            .description("Ends all other sessions of the user.")
            .part(Part::SecondFactors)
            .success("The passkey has been removed.")
            .errors(&[LastFactor, NotFound])
            .handler_with_path(remove),
        Endpoint::post("/api/token/passkey/options")
            .operation("passkeyRequestOptions", Tag::Session, "Get the options for a log-in with a passkey")
            .description("They are for `navigator.credentials.get`, and expire after 5 minutes. With a ticket, they are for the second step of a log-in, and list the passkeys of the account.")
            .part(Part::SecondFactors)
            .success("The options.")
            .availability(Availability::Passkeys)
            .errors(&[InvalidTicket, Overloaded, Internal, Unavailable])
            .handler(request_options),
        Endpoint::post("/api/token/passkey")
            .operation("logInWithPasskey", Tag::Session, "Log in with a passkey")
            .description("Takes what `navigator.credentials.get` returned for options without a ticket. Sets the same cookies as `POST /api/token`.")
            .part(Part::SecondFactors)
            .success("An access token in the body, and a refresh token in the cookie.")
            .availability(Availability::Passkeys)
            .errors(&[InvalidCredentials, ChallengeExpired, TooManyAttempts, Internal, Unavailable])
            .handler(sign_in),
    ]
}

async fn creation_options(
    AddFactor(UserAndBody { user, body: Empty {} }): AddFactor<UserAndBody<Empty>>,
    context: Context,
) -> Result<Json<PublicKeyCredentialCreationOptions>, ApiError> {
    let options = context.api.accounts.passkey_registration_options(&user).await?;
    Ok(Json(convert::creation_options(options)))
}

async fn add(
    AddFactor(UserAndBody { user, body }): AddFactor<UserAndBody<AddPasskeyRequest>>,
    context: Context,
) -> Result<Created<Passkey>, ApiError> {
    let AddPasskeyRequest { name, credential } = body;
    let parsed_name = PasskeyName::parse(&name).map_err(passkey_name_error);
    let credential = RegistrationCredential::parse(&Value::Object(credential));
    let credential = match (parsed_name, credential) {
        (Ok(_), Ok(credential)) => credential,
        (name, credential) => {
            let credential = credential.map_err(|_| rejected_credential());
            let errors = name.err().into_iter().chain(credential.err()).collect();
            return Err(ApiError::InvalidFields(errors));
        }
    };
    let passkey = context
        .api
        .accounts
        .add_passkey(AddPasskey {
            signed_in: &user,
            name: &name,
            credential: &credential,
            caller: &context.caller(),
        })
        .await?;
    Ok(Created(convert::passkey(&passkey)))
}

async fn rename(
    id: PasskeyId,
    BeforeEnrolment(UserAndBody { user, body }): BeforeEnrolment<UserAndBody<RenamePasskeyRequest>>,
    context: Context,
) -> Result<Json<Passkey>, ApiError> {
    let passkey = context.api.accounts.rename_passkey(&user, id, &body.name).await?;
    Ok(Json(convert::passkey(&passkey)))
}

async fn remove(
    id: PasskeyId,
    ChangeFactors(UserWithoutBody(user)): ChangeFactors<UserWithoutBody>,
    context: Context,
) -> Result<NoContent, ApiError> {
    context.api.accounts.remove_passkey(&user, id, &context.caller()).await?;
    Ok(NoContent::default())
}

async fn request_options(
    Public(body): Public<PasskeyOptionsRequest>,
    context: Context,
) -> Result<Json<PublicKeyCredentialRequestOptions>, ApiError> {
    let accounts = &context.api.accounts;
    let options = accounts.passkey_sign_in_options(body.ticket.as_deref()).await?;
    Ok(Json(convert::request_options(options)))
}

async fn sign_in(
    Public(body): Public<PasskeyTokenRequest>,
    context: Context,
) -> Result<JsonAndCookies<TokenResponse>, ApiError> {
    let PasskeyTokenRequest { credential, remember } = body;
    let credential = AssertionCredential::parse(&Value::Object(credential))
        .map_err(|_| ApiError::InvalidCredentials)?;
    let Context { api, .. } = &context;
    let issued = api
        .accounts
        .sign_in_with_passkey(SignInWithPasskey {
            credential: &credential,
            remember,
            caller: &context.caller(),
            replaces: context.replaced_refresh_cookie().as_ref(),
        })
        .await?;
    Ok(convert::tokens(&issued, &api.cookies))
}
