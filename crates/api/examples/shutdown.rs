//! An app that logs, is behind a proxy, and completes its work when it is stopped.
use std::{sync::Arc, time::Duration};

use api::{Auth, SignedIn, TrustedProxy};
use tokio::signal::unix::{SignalKind, signal};
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().init(); // at the level info, to stdout
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let proxy: TrustedProxy = "127.0.0.1".parse()?; // where the proxy connects from
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let auth = auth.trust_proxies([proxy].into_iter().collect());
    let accounts = Arc::clone(auth.accounts());

    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let app = auth.routes().or(auth.guarded(warp::path!("private"), hello));
    let mut stop = signal(SignalKind::terminate())?;
    let server = warp::serve(app).bind(([127, 0, 0, 1], port)).await;
    let stopped = async move {
        stop.recv().await;
    };
    // Accepts no more connections after the signal, and completes the requests that have begun.
    server.graceful(stopped).run().await;
    // Completes the changes of clients that have disconnected. A mail can take a minute; one that
    // is not sent now is sent after the next start.
    let _ = tokio::time::timeout(Duration::from_secs(10), accounts.drain()).await;
    Ok(())
}
