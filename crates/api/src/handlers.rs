//! What the API does, without HTTP: each handler takes a request apart and calls
//! `accounts`.

use std::time::Duration;

use accounts::{JwkSet, RefreshToken, SessionId};
use api_types::{
    Activity, ChangePasswordRequest, DeleteAccountRequest, Empty, Export, Health, Sessions,
    SignupRequest, TokenRequest, TokenResponse,
};
use tokio::sync::Semaphore;

use crate::cookie::SetCookie;
use crate::error::ApiError;
use crate::incoming::Incoming;
use crate::{Api, shown};

/// How many exports are put together at a time.
static EXPORTS: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) async fn signup(request: Incoming, api: Api) -> Result<api_types::User, ApiError> {
    let caller = request.caller(&api);
    let body: SignupRequest = request.body(&api)?;
    let user = api.accounts.sign_up(&body.email, &body.password, &caller).await?;
    Ok(shown::user(&user))
}

pub(crate) async fn token(
    request: Incoming,
    api: Api,
) -> Result<(TokenResponse, Vec<SetCookie>), ApiError> {
    let (caller, before) = (request.caller(&api), request.replaced_refresh_token(&api));
    let TokenRequest { email, password, remember } = request.body(&api)?;
    let signing_in = api.accounts.sign_in(&email, &password, remember, &caller, before.as_ref());
    let issued = signing_in.await?;
    Ok(shown::tokens(&issued, &api.cookies))
}

pub(crate) async fn refresh(
    request: Incoming,
    api: Api,
) -> Result<(TokenResponse, Vec<SetCookie>), ApiError> {
    let client = request.client();
    let token = request.refresh_token(&api).await?;
    let refused = |error| ApiError::of_refresh(error, || api.cookies.clear_refresh());
    let issued = api.accounts.refresh(&token, &client).await.map_err(refused)?;
    Ok(shown::tokens(&issued, &api.cookies))
}

pub(crate) async fn logout(request: Incoming, api: Api) -> Result<Vec<SetCookie>, ApiError> {
    let held = request.held_refresh_token(&api);
    let client = request.client();
    let (signed_in, Empty {}) = request.user_and_body(&api).await?;
    api.accounts.sign_out(&signed_in, &client).await?;
    Ok(api.clear_what_is_over(held).await)
}

pub(crate) async fn me(request: Incoming, api: Api) -> Result<api_types::User, ApiError> {
    let signed_in = request.user(&api).await?;
    Ok(shown::user(signed_in.user()))
}

pub(crate) async fn change_password(
    request: Incoming,
    api: Api,
) -> Result<Vec<SetCookie>, ApiError> {
    let caller = request.caller(&api);
    let (signed_in, body) = request.user_and_body(&api).await?;
    let ChangePasswordRequest { current_password: current, new_password: new } = body;
    let changed = api.accounts.change_password(&signed_in, &current, &new, &caller);
    let device =
        changed.await.map_err(|error| ApiError::of_own_account(error, "current_password"))?;
    Ok(device.iter().map(|token| api.cookies.set_device(token)).collect())
}

pub(crate) async fn delete_account(
    request: Incoming,
    api: Api,
) -> Result<Vec<SetCookie>, ApiError> {
    let (held, caller) = (request.held_refresh_token(&api), request.caller(&api));
    let (signed_in, DeleteAccountRequest { password }) = request.user_and_body(&api).await?;
    let deleted = api.accounts.delete_account(&signed_in, &password, &caller).await;
    let is_known_browser = deleted.map_err(|error| ApiError::of_own_account(error, "password"))?;
    let mut cleared = api.clear_what_is_over(held).await;
    cleared.extend(is_known_browser.then(|| api.cookies.clear_device()));
    Ok(cleared)
}

pub(crate) async fn export(request: Incoming, api: Api) -> Result<Export, ApiError> {
    let signed_in = request.user(&api).await?;
    // They are long: no more than these are put together at a time.
    let place = tokio::time::timeout(PATIENCE, EXPORTS.acquire()).await;
    let _place = place.map_err(|_| ApiError::TooMuchUnread)?;
    let held = api.accounts.export(&signed_in).await?;
    Ok(shown::export(&held, &signed_in, api.accounts.now()))
}

pub(crate) async fn activity(request: Incoming, api: Api) -> Result<Activity, ApiError> {
    let signed_in = request.user(&api).await?;
    let events = api.accounts.activity(&signed_in).await?;
    Ok(Activity { events: events.iter().map(shown::event).collect() })
}

pub(crate) async fn sessions(request: Incoming, api: Api) -> Result<Sessions, ApiError> {
    let signed_in = request.user(&api).await?;
    let found = api.accounts.sessions(&signed_in).await?;
    let sessions = found.iter().map(|record| shown::session(record, &signed_in)).collect();
    Ok(Sessions { sessions })
}

pub(crate) async fn end_other_sessions(request: Incoming, api: Api) -> Result<(), ApiError> {
    let client = request.client();
    let signed_in = request.user_who_deletes(&api).await?;
    api.accounts.end_other_sessions(&signed_in, &client).await?;
    Ok(())
}

/// Ending the session that the request belongs to is logging out.
pub(crate) async fn end_session(
    id: SessionId,
    request: Incoming,
    api: Api,
) -> Result<Vec<SetCookie>, ApiError> {
    let (held, client) = (request.held_refresh_token(&api), request.client());
    let signed_in = request.user_who_deletes(&api).await?;
    api.accounts.end_session(&signed_in, id, &client).await?;
    match id == signed_in.session().id {
        true => Ok(api.clear_what_is_over(held).await),
        false => Ok(Vec::new()),
    }
}

impl Api {
    /// What clears the cookie of a session that has just been ended. One that holds the
    /// token of another session that is alive, because somebody has signed in in the same
    /// browser since, is left alone.
    async fn clear_what_is_over(&self, held: Option<RefreshToken>) -> Vec<SetCookie> {
        let alive = match held {
            Some(token) => self.accounts.session_for_token(&token).await,
            None => Ok(None),
        };
        match alive {
            Ok(Some(_)) => Vec::new(),
            Ok(None) => vec![self.cookies.clear_refresh()],
            // A log-out is one all the same.
            Err(error) => {
                ApiError::from(error).log();
                vec![self.cookies.clear_refresh()]
            }
        }
    }
}

pub(crate) async fn jwks(api: Api) -> Result<JwkSet, ApiError> {
    Ok(api.accounts.jwks().await)
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
