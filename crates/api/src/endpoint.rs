//! An endpoint as a value: method, path, documentation, input, output, errors and handler.
//!
//! ```text
//! Endpoint::get("/api/me")
//!     .operation("me", Tag::Account, "Get the account of the caller")
//!     .success("The account.")
//!     .handler(me)
//! ```
//!
//! The router, the OpenAPI document and the table in `docs/API.md` are built from these values.

use std::future::ready;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;

use accounts::http::{ApiError, Freshness};
use accounts::{Accounts, MailMode, PasskeyId, SessionId};
use api_types::ErrorCode;
use percent_encoding::percent_decode_str;
use schemars::{Schema, SchemaGenerator};
use warp::http::{Method, StatusCode};
use warp::reply::Response;

use crate::body::UnreadBody;
use crate::context::Context;
use crate::input::{BodyDoc, Input, Security};
use crate::output::Output;
use crate::part::Part;
use crate::problem::{error_response, not_found};

/// The handler and the documentation of one method and path.
pub(crate) struct Endpoint {
    pub(crate) docs: Docs,
    pub(crate) security: Security,
    pub(crate) freshness: Freshness,
    pub(crate) body: Option<BodyDoc>,
    pub(crate) status: StatusCode,
    pub(crate) headers: &'static [&'static str],
    pub(crate) schema: Option<fn(&mut SchemaGenerator) -> Schema>,
    /// The errors that the endpoint can return, sorted by name.
    pub(crate) errors: Vec<ErrorCode>,
    matches: fn(template: &'static str, path: &str) -> bool,
    handler: Handler,
}

/// The documentation that does not follow from the types of the handler.
#[derive(Clone)]
pub(crate) struct Docs {
    pub(crate) method: Method,
    /// Starts with a slash and may contain one parameter: `/api/sessions/{id}`.
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) success: &'static str,
    pub(crate) part: Option<Part>,
    availability: Availability,
    errors: &'static [ErrorCode],
}

/// When an endpoint is available.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It is always available.
    Always,
    /// It is available if mail is on. Otherwise, it responds with 501, before the input is checked.
    Mail,
    /// The endpoint is available if the host of the service is not an IP address. Otherwise, it
    /// responds with 501, before the input is checked.
    Passkeys,
    /// It is available if sign-in by email is on. Otherwise, its path does not exist.
    EmailSignIn,
}

/// The groups of endpoints in the OpenAPI document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tag {
    Account,
    SecondFactor,
    Session,
    Service,
}

type Handler = Arc<dyn Fn(&str, Context, UnreadBody) -> ResponseFuture + Send + Sync>;
type ResponseFuture = Pin<Box<dyn Future<Output = Response> + Send>>;

impl Endpoint {
    pub(crate) fn get(path: &'static str) -> Docs {
        Docs::new(Method::GET, path)
    }

    pub(crate) fn post(path: &'static str) -> Docs {
        Docs::new(Method::POST, path)
    }

    pub(crate) fn put(path: &'static str) -> Docs {
        Docs::new(Method::PUT, path)
    }

    pub(crate) fn delete(path: &'static str) -> Docs {
        Docs::new(Method::DELETE, path)
    }

    /// Returns the methods that the endpoint responds to. Outside `/api`, GET includes HEAD.
    pub(crate) fn methods(&self) -> Vec<Method> {
        if self.docs.method == Method::GET && !self.is_under_api() {
            vec![Method::GET, Method::HEAD]
        } else {
            vec![self.docs.method.clone()]
        }
    }

    /// Returns whether the path of the endpoint is under `/api`.
    pub(crate) fn is_under_api(&self) -> bool {
        self.docs.path.starts_with("/api/")
    }

    /// Returns whether the path of the endpoint exists.
    pub(crate) fn exists(&self, accounts: &Accounts) -> bool {
        match self.docs.availability {
            Availability::Always | Availability::Mail | Availability::Passkeys => true,
            Availability::EmailSignIn => accounts.config().email_sign_in,
        }
    }

    /// Returns whether `path`, which has no leading slash, is the path of the endpoint. A segment
    /// that cannot be parsed as the parameter does not match. Only the parameter is
    /// percent-decoded.
    pub(crate) fn matches(&self, path: &str) -> bool {
        (self.matches)(without_slash(self.docs.path), path)
    }

    /// Returns the response to a request with the method and the path of the endpoint. `path` has
    /// no leading slash.
    pub(crate) fn call(&self, path: &str, context: Context, body: UnreadBody) -> ResponseFuture {
        (self.handler)(path, context, body)
    }
}

impl Docs {
    fn new(method: Method, path: &'static str) -> Self {
        Self {
            method,
            path,
            id: "",
            tag: Tag::Service,
            summary: "",
            description: "",
            success: "",
            part: None,
            availability: Availability::Always,
            errors: &[],
        }
    }

    /// Sets the operation id, the tag and the summary.
    pub(crate) fn operation(mut self, id: &'static str, tag: Tag, summary: &'static str) -> Self {
        self.id = id;
        self.tag = tag;
        self.summary = summary;
        self
    }

    /// Sets the description, which adds details to the summary.
    pub(crate) fn description(mut self, description: &'static str) -> Self {
        self.description = description;
        self
    }

    /// Sets the description of the successful response.
    pub(crate) fn success(mut self, success: &'static str) -> Self {
        self.success = success;
        self
    }

    /// Sets the part of the API with which an app can turn the endpoint off.
    pub(crate) const fn part(mut self, part: Part) -> Self {
        self.part = Some(part);
        self
    }

    /// Sets when the endpoint is available.
    pub(crate) fn availability(mut self, availability: Availability) -> Self {
        self.availability = availability;
        self
    }

    /// Sets the errors of the handler. The errors of its availability and of its input are added to
    /// them.
    pub(crate) fn errors(mut self, errors: &'static [ErrorCode]) -> Self {
        self.errors = errors;
        self
    }

    /// Completes the endpoint with its handler.
    pub(crate) fn handler<I, O, F, R>(self, handler: F) -> Endpoint
    where
        I: Input + 'static,
        O: Output + 'static,
        F: Fn(I, Context) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<O, ApiError>> + Send + 'static,
    {
        self.handler_with_path(move |(): (), input, context| handler(input, context))
    }

    /// Completes the endpoint with a handler that also takes the parameter of the path.
    pub(crate) fn handler_with_path<P, I, O, F, R>(self, handler: F) -> Endpoint
    where
        P: PathParameter,
        I: Input + 'static,
        O: Output + 'static,
        F: Fn(P, I, Context) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = Result<O, ApiError>> + Send + 'static,
    {
        let template = without_slash(self.path);
        let availability = self.availability;
        let errors = I::ERRORS.iter().copied().flatten().chain(self.errors);
        let mut errors: Vec<_> = errors.chain(availability.errors()).copied().collect();
        errors.sort_by_key(|code| code.as_str());
        errors.dedup();
        Endpoint {
            docs: self,
            security: I::SECURITY,
            freshness: I::FRESHNESS,
            body: I::BODY,
            status: O::STATUS,
            headers: O::HEADERS,
            schema: O::SCHEMA,
            errors,
            matches: |template, path| P::parse(template, path).is_some(),
            handler: Arc::new(move |path, context, body| {
                let Some(parameter) = P::parse(template, path) else {
                    return Box::pin(ready(not_found()));
                };
                if let Err(error) = availability.check(&context) {
                    return Box::pin(ready(error_response(error)));
                }
                let response = respond(parameter, context, body, handler.clone());
                Box::pin(async move { response.await.unwrap_or_else(error_response) })
            }),
        }
    }
}

impl Availability {
    /// Returns the errors that an endpoint responds with while it is not available.
    const fn errors(self) -> &'static [ErrorCode] {
        match self {
            Self::Always => &[],
            Self::Mail => &[ErrorCode::MailDisabled],
            Self::Passkeys => &[ErrorCode::PasskeysUnavailable],
            Self::EmailSignIn => &[ErrorCode::NotFound],
        }
    }

    fn check(self, context: &Context) -> Result<(), ApiError> {
        match self {
            Self::Mail if context.api.accounts.mail() == MailMode::Off => {
                Err(ApiError::MailDisabled)
            }
            Self::Passkeys if context.api.accounts.relying_party().is_none() => {
                Err(ApiError::PasskeysUnavailable)
            }
            Self::Always | Self::Mail | Self::Passkeys | Self::EmailSignIn => Ok(()),
        }
    }
}

async fn respond<P, I, O, F, R>(
    parameter: P,
    context: Context,
    body: UnreadBody,
    handler: F,
) -> Result<Response, ApiError>
where
    I: Input,
    O: Output,
    F: Fn(P, I, Context) -> R,
    R: Future<Output = Result<O, ApiError>>,
{
    let input = I::from_request(&context, body).await?;
    let api = Arc::clone(&context.api);
    let output = handler(parameter, input, context).await?;
    output.into_response(&api.response_limits)
}

fn without_slash(template: &'static str) -> &'static str {
    template.strip_prefix('/').unwrap_or(template)
}

/// The parameter of a path, or `()` for a path without one.
pub(crate) trait PathParameter: Sized + Send + 'static {
    /// Returns the parameter, or `None` if the path does not match the template.
    fn parse(template: &str, path: &str) -> Option<Self>;
}

impl PathParameter for () {
    fn parse(template: &str, path: &str) -> Option<Self> {
        if path == template { Some(()) } else { None }
    }
}

impl PathParameter for SessionId {
    fn parse(template: &str, path: &str) -> Option<Self> {
        parse_parameter(template, path)
    }
}

impl PathParameter for PasskeyId {
    fn parse(template: &str, path: &str) -> Option<Self> {
        parse_parameter(template, path)
    }
}

fn parse_parameter<P: FromStr>(template: &str, path: &str) -> Option<P> {
    let (before, rest) = template.split_once('{')?;
    let (_, after) = rest.split_once('}')?;
    let segment = path.strip_prefix(before)?.strip_suffix(after)?;
    percent_decode_str(segment).decode_utf8().ok()?.parse().ok()
}
