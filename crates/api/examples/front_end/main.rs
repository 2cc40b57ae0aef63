//! An app with accounts, whose front end is a page without a build step.
use api::{Auth, SignedIn};
use warp::Filter;
use warp::reply::{html, with, with_header};

/// Allows scripts and requests of the app's own origin.
const POLICY: &str = "default-src 'none'; script-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let private = auth.guarded(warp::path!("private"), hello);
    let page = warp::path::end().map(|| html(include_str!("index.html")));
    let script = warp::path!("app.js")
        .map(|| with_header(include_str!("app.js"), "content-type", "text/javascript"));
    let app = auth.routes().or(private).or(page).or(script);
    let app = app.with(with::header("content-security-policy", POLICY));
    warp::serve(app).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
