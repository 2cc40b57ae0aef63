//! A service that verifies the access tokens of a Latchkey service.
#![expect(clippy::print_stderr, reason = "this is a command-line program")]
use std::{sync::Arc, time::Duration};

use auth_core::{Clock, SystemClock, Verifier, VerifyError, bearer_token};
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use serde_json::json;

async fn private(verifier: State<Arc<Verifier>>, headers: HeaderMap) -> Response {
    let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(bearer_token).unwrap_or_default();
    match verifier.verify(token, SystemClock.now()).await {
        Ok(claims) => Json(json!({ "user": claims.user, "roles": claims.roles })).into_response(),
        Err(VerifyError::InvalidToken(_)) => {
            let challenge = [(WWW_AUTHENTICATE, r#"Bearer realm="app""#)];
            (StatusCode::UNAUTHORIZED, challenge).into_response()
        }
        Err(VerifyError::NoKeys(reason)) => {
            eprintln!("cannot fetch the keys: {reason:?}");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

async fn fetch_keys(client: reqwest::Client, issuer: String) -> reqwest::Result<String> {
    let request = client.get(format!("{issuer}/.well-known/jwks.json"));
    request.send().await?.error_for_status()?.text().await
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let issuer = std::env::var("ISSUER")?; // https://auth.example.com
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build()?;
    let verifier = Verifier::new(issuer.clone(), issuer.clone(), move |fetch| {
        let keys = fetch_keys(client.clone(), issuer.clone());
        tokio::spawn(async { fetch.finish(keys.await) });
    })?;
    let app = axum::Router::new().route("/private", get(private)).with_state(Arc::new(verifier));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}
