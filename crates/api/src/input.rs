//! The inputs of endpoints. The type of an input determines the checks that a request must pass. It
//! also determines the errors, the body and the security scheme in the OpenAPI document.
//!
//! The router checks the path and the method. The inputs then check, in the documented order: size,
//! content type, origin, token, the [`Requirements`] on the user, JSON.

use accounts::http::{
    ApiError, EmailRequirement, Enrolment, Freshness, Requirements, authenticate, check_json,
};
use accounts::{EmailSignInToken, RefreshToken, SignedIn};
use api_types::ErrorCode::{
    self, ForbiddenOrigin, Internal, InvalidRefreshToken, InvalidRequest, InvalidToken,
    MalformedJson, MissingToken, Overloaded, PayloadTooLarge, SignUpDisabled, Unavailable,
    UnsupportedMediaType,
};
use api_types::{CodeRequest, Empty, RequestBody, SignupRequest};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;

use crate::body::UnreadBody;
use crate::context::Context;

/// The data that an endpoint reads from a request before its handler runs.
pub(crate) trait Input: Sized + Send {
    const SECURITY: Security;
    /// The requirement on the time of the log-in.
    const FRESHNESS: Freshness = Freshness::NotRequired;
    const BODY: Option<BodyDoc>;
    /// The errors of the checks that the request must pass.
    const ERRORS: &'static [&'static [ErrorCode]];

    fn from_request(
        context: &Context,
        body: UnreadBody,
    ) -> impl Future<Output = Result<Self, ApiError>> + Send;
}

/// How a client authenticates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    None,
    Bearer,
    RefreshCookie,
    EmailSignInCookie,
}

/// A request body in the OpenAPI document.
#[derive(Clone, Copy)]
pub(crate) enum BodyDoc {
    Required(fn(&mut SchemaGenerator) -> Schema),
    Optional(fn(&mut SchemaGenerator) -> Schema),
}

/// The types of JSON bodies.
pub(crate) trait JsonBody: RequestBody + DeserializeOwned + JsonSchema + Send {}

impl<B: RequestBody + DeserializeOwned + JsonSchema + Send> JsonBody for B {}

/// No input. The body of the request is not read.
pub(crate) struct NoInput;

/// The body of a request that requires no authentication.
pub(crate) struct Public<B>(pub(crate) B);

/// The body of a sign-up. If sign-up is turned off, a body without an invitation is rejected for
/// that, whatever else it is.
pub(crate) struct SignUp(pub(crate) SignupRequest);

/// The refresh token of a request with an empty body.
pub(crate) struct RefreshCookie(pub(crate) RefreshToken);

/// A code for signing in, and the token of the browser that has requested it. Without a valid
/// cookie, there is no token, and the handler answers as it does to an expired code.
pub(crate) struct EmailSignIn {
    pub(crate) token: Option<EmailSignInToken>,
    pub(crate) body: CodeRequest,
}

/// An input that contains the user who sends the request.
///
/// If the service requires a second factor, a user without one cannot send such a request, unless
/// the type of the input says otherwise. So endpoints are restricted by default.
pub(crate) trait UserInput: Sized + Send {
    const REQUIREMENTS: Requirements = Requirements::DEFAULT;
    const BODY: Option<BodyDoc>;
    /// The errors of the checks, without those of the token and the requirements.
    const ERRORS: &'static [ErrorCode];

    fn from_request(
        context: &Context,
        body: UnreadBody,
        requirements: Requirements,
    ) -> impl Future<Output = Result<Self, ApiError>> + Send;
}

/// The user who sends a request that changes nothing.
pub(crate) struct User(pub(crate) SignedIn);

/// The user who sends a request, and its body.
pub(crate) struct UserAndBody<B> {
    pub(crate) user: SignedIn,
    pub(crate) body: B,
}

/// The user who sends a DELETE request that needs no body. Without a body, no content type is
/// required, because a form on another site cannot send a DELETE.
pub(crate) struct UserWithoutBody(pub(crate) SignedIn);

/// The input of an endpoint that a user must be able to use before the second factor is on, even if
/// the service requires second factors.
pub(crate) struct BeforeEnrolment<I>(pub(crate) I);

/// The input of an endpoint that requires a recent log-in while the second factor of the user is
/// on, in addition to the password in the body.
pub(crate) struct FreshWithSecondFactor<I>(pub(crate) I);

/// The input of an endpoint that requires a recent log-in.
pub(crate) struct Fresh<I>(pub(crate) I);

/// The input of an endpoint that changes the second factors or the passkeys of the user, even
/// before the second factor is on.
pub(crate) struct ChangeFactors<I>(pub(crate) I);

/// The input of an endpoint that adds a second factor or a passkey. If mail is on, the email
/// address must be verified. Otherwise, a stranger could sign up with somebody else's email
/// address, and leave a passkey in the account that its owner takes over later.
pub(crate) struct AddFactor<I>(pub(crate) I);

const SIZE: &[ErrorCode] = &[PayloadTooLarge];
const BODY: &[ErrorCode] =
    &[PayloadTooLarge, UnsupportedMediaType, ForbiddenOrigin, MalformedJson, InvalidRequest];
const BEARER: &[ErrorCode] = &[MissingToken, InvalidToken, Internal, Overloaded, Unavailable];
const REFRESH: &[ErrorCode] = &[InvalidRefreshToken, Internal, Unavailable];

impl Input for NoInput {
    const SECURITY: Security = Security::None;
    const BODY: Option<BodyDoc> = None;
    const ERRORS: &'static [&'static [ErrorCode]] = &[];

    async fn from_request(_: &Context, _: UnreadBody) -> Result<Self, ApiError> {
        Ok(Self)
    }
}

impl<B: JsonBody> Input for Public<B> {
    const SECURITY: Security = Security::None;
    const BODY: Option<BodyDoc> = Some(BodyDoc::Required(SchemaGenerator::subschema_for::<B>));
    const ERRORS: &'static [&'static [ErrorCode]] = &[BODY];

    async fn from_request(context: &Context, body: UnreadBody) -> Result<Self, ApiError> {
        let body = body.read(&context.headers).await?;
        check_json(&context.headers)?;
        context.check_origin()?;
        Ok(Self(body.parse()?))
    }
}

impl Input for SignUp {
    const SECURITY: Security = Security::None;
    const BODY: Option<BodyDoc> =
        Some(BodyDoc::Required(SchemaGenerator::subschema_for::<SignupRequest>));
    const ERRORS: &'static [&'static [ErrorCode]] = &[BODY, &[SignUpDisabled]];

    async fn from_request(context: &Context, body: UnreadBody) -> Result<Self, ApiError> {
        let body = body.read(&context.headers).await?;
        check_json(&context.headers)?;
        context.check_origin()?;
        let request: Result<SignupRequest, _> = body.parse();
        if context.api.accounts.config().sign_up {
            return Ok(Self(request?));
        }
        match request {
            Ok(invited) if invited.invitation.is_some() => Ok(Self(invited)),
            _ => Err(ApiError::SignUpDisabled),
        }
    }
}

impl Input for RefreshCookie {
    const SECURITY: Security = Security::RefreshCookie;
    const BODY: Option<BodyDoc> = Some(BodyDoc::Required(SchemaGenerator::subschema_for::<Empty>));
    const ERRORS: &'static [&'static [ErrorCode]] = &[BODY, REFRESH];

    async fn from_request(context: &Context, body: UnreadBody) -> Result<Self, ApiError> {
        let body = body.read(&context.headers).await?;
        check_json(&context.headers)?;
        context.check_origin()?;
        let invalid = || ApiError::InvalidRefreshToken(Some(context.api.cookies.clear_refresh()));
        let token = context.refresh_cookie().ok_or_else(invalid)?;
        match body.parse() {
            Ok(Empty {}) => Ok(Self(token)),
            // The token is checked before the body. An invalid body must not use up the token.
            Err(error) => match context.api.accounts.session_for_token(&token).await? {
                Some(_) => Err(error),
                None => Err(invalid()),
            },
        }
    }
}

impl Input for EmailSignIn {
    const SECURITY: Security = Security::EmailSignInCookie;
    const BODY: Option<BodyDoc> =
        Some(BodyDoc::Required(SchemaGenerator::subschema_for::<CodeRequest>));
    const ERRORS: &'static [&'static [ErrorCode]] = &[BODY];

    async fn from_request(context: &Context, body: UnreadBody) -> Result<Self, ApiError> {
        let Public(body) = Public::from_request(context, body).await?;
        Ok(Self { token: context.api.cookies.email_sign_in_token(&context.headers), body })
    }
}

impl<I: UserInput> Input for I {
    const SECURITY: Security = Security::Bearer;
    const FRESHNESS: Freshness = I::REQUIREMENTS.freshness;
    const BODY: Option<BodyDoc> = I::BODY;
    const ERRORS: &'static [&'static [ErrorCode]] = &[
        I::ERRORS,
        BEARER,
        I::REQUIREMENTS.freshness.errors(),
        I::REQUIREMENTS.email.errors(),
        I::REQUIREMENTS.enrolment.errors(),
    ];

    async fn from_request(context: &Context, body: UnreadBody) -> Result<Self, ApiError> {
        I::from_request(context, body, I::REQUIREMENTS).await
    }
}

impl UserInput for User {
    const BODY: Option<BodyDoc> = None;
    const ERRORS: &'static [ErrorCode] = SIZE;

    async fn from_request(
        context: &Context,
        body: UnreadBody,
        requirements: Requirements,
    ) -> Result<Self, ApiError> {
        body.read(&context.headers).await?;
        Ok(Self(authenticate(&context.headers, &context.api.accounts, requirements).await?))
    }
}

impl<B: JsonBody> UserInput for UserAndBody<B> {
    const BODY: Option<BodyDoc> = Some(BodyDoc::Required(SchemaGenerator::subschema_for::<B>));
    const ERRORS: &'static [ErrorCode] = BODY;

    async fn from_request(
        context: &Context,
        body: UnreadBody,
        requirements: Requirements,
    ) -> Result<Self, ApiError> {
        let body = body.read(&context.headers).await?;
        check_json(&context.headers)?;
        context.check_origin()?;
        let user = authenticate(&context.headers, &context.api.accounts, requirements).await?;
        Ok(Self { user, body: body.parse()? })
    }
}

impl UserInput for UserWithoutBody {
    const BODY: Option<BodyDoc> = Some(BodyDoc::Optional(SchemaGenerator::subschema_for::<Empty>));
    const ERRORS: &'static [ErrorCode] = BODY;

    async fn from_request(
        context: &Context,
        body: UnreadBody,
        requirements: Requirements,
    ) -> Result<Self, ApiError> {
        let body = body.read(&context.headers).await?;
        if !body.is_empty() {
            check_json(&context.headers)?;
        }
        context.check_origin()?;
        let user = authenticate(&context.headers, &context.api.accounts, requirements).await?;
        let Empty {} = body.parse()?;
        Ok(Self(user))
    }
}

/// Implements [`UserInput`] for an input that adds requirements to those of another one.
macro_rules! user_inputs {
    ($($name:ident { $($field:ident: $value:expr),+ })+) => {
        $(
            impl<I: UserInput> UserInput for $name<I> {
                const REQUIREMENTS: Requirements = {
                    let mut requirements = I::REQUIREMENTS;
                    $(requirements.$field = $value;)+
                    requirements
                };
                const BODY: Option<BodyDoc> = I::BODY;
                const ERRORS: &'static [ErrorCode] = I::ERRORS;

                async fn from_request(
                    context: &Context,
                    body: UnreadBody,
                    requirements: Requirements,
                ) -> Result<Self, ApiError> {
                    Ok(Self(I::from_request(context, body, requirements).await?))
                }
            }
        )+
    };
}

user_inputs! {
    BeforeEnrolment { enrolment: Enrolment::Exempt }
    FreshWithSecondFactor { freshness: Freshness::RequiredWithSecondFactor }
    Fresh { freshness: Freshness::Required }
    ChangeFactors { freshness: Freshness::Required, enrolment: Enrolment::Exempt }
    AddFactor {
        freshness: Freshness::Required,
        email: EmailRequirement::VerifiedWithMail,
        enrolment: Enrolment::Exempt
    }
}
