//! An app with accounts, and a page for users alone.
use api::{Auth, Guarded};
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // https://app.example where users are
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let private = warp::path!("private")
        .and(auth.require_user())
        .map(|user: Guarded| user.map(|user| format!("hello {}", user.email())));
    warp::serve(auth.routes().or(private)).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
