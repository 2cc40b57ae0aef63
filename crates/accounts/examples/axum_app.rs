//! Accounts in an axum app: sign up, log in, and a page for authenticated users.
use std::{net::SocketAddr, sync::Arc};

use accounts::{
    Accounts, AuthenticateError, ClientInfo, SignIn, SignInError, SignInOutcome, SignUpError,
    SignedIn, bearer_token,
};
use axum::extract::{ConnectInfo, FromRequestParts, Json, State};
use axum::http::{StatusCode, header::AUTHORIZATION, request::Parts};
use axum::routing::{get, post};

type App = State<Arc<Accounts>>;
type Peer = ConnectInfo<SocketAddr>;
type Credentials = Json<(String, String)>; // ["ada@example.com", "a long walk by the sea"]

async fn sign_up(app: App, peer: Peer, Json((email, password)): Credentials) -> StatusCode {
    let client = ClientInfo::new(Some(peer.ip()), None);
    match app.sign_up(&email, &password, &client.into()).await {
        Ok(_) => StatusCode::CREATED,
        Err(SignUpError::TooManyAttempts { .. }) => StatusCode::TOO_MANY_REQUESTS,
        Err(SignUpError::Service(_)) => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn sign_in(
    app: App,
    peer: Peer,
    Json((email, password)): Credentials,
) -> Result<String, StatusCode> {
    let client = ClientInfo::new(Some(peer.ip()), None);
    match app.sign_in(SignIn::new(&email, &password, &client.into())).await {
        Ok(SignInOutcome::SignedIn(issued)) => Ok(issued.access.token.as_str().to_owned()),
        // No route of this app turns a second factor on.
        Ok(SignInOutcome::SecondFactorRequired(_)) => Err(StatusCode::NOT_IMPLEMENTED),
        Err(SignInError::InvalidCredentials) => Err(StatusCode::UNAUTHORIZED),
        Err(SignInError::TooManyAttempts { .. }) => Err(StatusCode::TOO_MANY_REQUESTS),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// An authenticated user. A handler with this parameter rejects all other requests.
struct User(SignedIn);

impl FromRequestParts<Arc<Accounts>> for User {
    type Rejection = StatusCode;
    async fn from_request_parts(
        parts: &mut Parts,
        app: &Arc<Accounts>,
    ) -> Result<Self, StatusCode> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(bearer_token).unwrap_or_default();
        app.authenticate(token).await.map(User).map_err(|error| match error {
            AuthenticateError::InvalidToken => StatusCode::UNAUTHORIZED,
            AuthenticateError::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let accounts = Accounts::builder().sqlite("app.db").public_url(url).build().await?;
    let app = axum::Router::new()
        .route("/signup", post(sign_up))
        .route("/login", post(sign_in))
        .route("/private", get(async |User(user): User| format!("hello {}", user.email())))
        .with_state(accounts);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
