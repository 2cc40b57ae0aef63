//! A notes app whose users sign up and log in on pages with its name, logo and colours.
use api::{Auth, SignedIn};
use pages::Pages;
use warp::Filter;

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">
  <path fill="#9b59d0" d="M0 0h6l2 2v6H0z"/><path stroke="#fff" d="M2 3h4M2 5h4"/>
</svg>"##;

const HOME: &str = r#"<!doctype html><title>Notes</title>
<script type="module" src="/latchkey-page.js"></script>
<h1>Notes</h1><p><a href="/login">Log in</a> or <a href="/signup">sign up</a>."#;

const NOTES: &str = r#"<!doctype html><title>Your notes</title>
<script type="module" src="/latchkey-page.js"></script>
<h1>Your notes</h1><p>Buy milk.<p><a href="/settings">Settings</a>
<form method="post" action="/logout"><button>Log out</button></form>"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let auth = Auth::builder().sqlite("app.db").public_url(url).app_name("Notes").build().await?;
    let pages =
        Pages::new(&auth)?.logo(LOGO)?.accent("#5b2a86", "#c9a7e8")?.after_log_in("/notes")?;

    let home = warp::path::end().map(|| warp::reply::html(HOME));
    // Without a session, the guard redirects to `/login?next=/notes`.
    let notes = auth
        .guard()
        .page()
        .route(warp::path!("notes"), async |_: SignedIn| warp::reply::html(NOTES));
    let app = auth.routes().or(auth.log_out_form()).or(home).or(notes);
    // The pages match every path, so they come last.
    let routes = app.or(auth.api_not_found()).or(pages.routes());
    warp::serve(routes).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
