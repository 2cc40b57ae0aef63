//! An axum app that completes its work when it is stopped.
use std::time::Duration;

use accounts::Accounts;
use axum::routing::get;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let accounts = Accounts::builder().sqlite("app.db").public_url(url).build().await?;
    let app = axum::Router::new().route("/", get("hello")); // and the routes that use `accounts`
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let mut stop = signal(SignalKind::terminate())?;
    let stopped = async move { drop(stop.recv().await) };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    let _ = tokio::time::timeout(Duration::from_secs(10), accounts.drain()).await;
    Ok(())
}
