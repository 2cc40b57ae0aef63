//! An app with accounts, and a page for authenticated users.
use api::{Auth, SignedIn};
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let private = auth.guarded(warp::path!("private"), hello);
    warp::serve(auth.routes().or(private)).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
