//! An app with accounts, whose front end consists of the files in a folder.
use api::{Auth, SignedIn};
use warp::Filter;
use warp::reply::with;

/// Allows scripts, WebAssembly and requests of the app's own origin.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let private = auth.guarded(warp::path!("private"), hello);
    let files = warp::fs::dir("public"); // its index.html at `/`
    let app = auth.routes().or(private).or(files);
    let app = app.with(with::header("content-security-policy", POLICY));
    warp::serve(app).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
