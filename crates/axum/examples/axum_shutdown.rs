//! An axum app that is behind a proxy, and completes its work when it is stopped.
use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::response::Html;
use axum_accounts::{Auth, TrustedProxy};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let proxy: TrustedProxy = "127.0.0.1".parse()?; // where the proxy connects from
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let auth = auth.trust_proxies([proxy].into_iter().collect());
    let accounts = Arc::clone(auth.accounts());
    let app = auth.forms(|page| Html(page.to_html())).layer(auth.layer());

    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let mut stop = signal(SignalKind::terminate())?;
    let stopped = async move {
        stop.recv().await;
    };
    axum::serve(listener, app).with_graceful_shutdown(stopped).await?;
    let _ = tokio::time::timeout(Duration::from_secs(10), accounts.drain()).await;
    Ok(())
}
