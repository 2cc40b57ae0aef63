//! What the API does, without HTTP: each handler takes a request apart and calls
//! `accounts`.

use accounts::{JwkSet, User};
use api_types::{Empty, Health, SignupRequest, TokenRequest, TokenResponse, TokenType};

use crate::Api;
use crate::error::ApiError;
use crate::incoming::Incoming;

pub(crate) async fn signup(request: Incoming, api: Api) -> Result<api_types::User, ApiError> {
    let body: SignupRequest = request.body(&api)?;
    let user = api.accounts.sign_up(&body.email, &body.password).await?;
    Ok(shown(&user))
}

pub(crate) async fn token(request: Incoming, api: Api) -> Result<TokenResponse, ApiError> {
    let body: TokenRequest = request.body(&api)?;
    let issued = api.accounts.sign_in(&body.email, &body.password).await?;
    Ok(TokenResponse {
        access_token: issued.token.as_str().to_owned(),
        token_type: TokenType::Bearer,
        expires_in: issued.expires_in.as_secs(),
    })
}

pub(crate) async fn logout(request: Incoming, api: Api) -> Result<(), ApiError> {
    let (signed_in, Empty {}) = request.user_and_body(&api).await?;
    Ok(api.accounts.sign_out(&signed_in).await?)
}

pub(crate) async fn me(request: Incoming, api: Api) -> Result<api_types::User, ApiError> {
    let signed_in = request.user(&api).await?;
    Ok(shown(signed_in.user()))
}

pub(crate) async fn jwks(api: Api) -> Result<JwkSet, ApiError> {
    Ok(api.accounts.jwks().clone())
}

/// Whether the process serves at all.
pub(crate) async fn healthz() -> Result<Health, ApiError> {
    Ok(Health { status: "ok".to_owned() })
}

/// Whether it can do its work.
pub(crate) async fn readyz(api: Api) -> Result<Health, ApiError> {
    api.accounts.ping().await?;
    healthz().await
}

fn shown(user: &User) -> api_types::User {
    api_types::User {
        id: user.id.to_string(),
        email: user.email.as_str().to_owned(),
        created_at: user.created_at.to_string(),
    }
}
