//! An app with a page for administrators, and with claims of its own in access tokens.
use api::{Auth, Role, SignedIn, accounts::CustomClaims};
use serde_json::json;
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let builder = Auth::builder().sqlite("app.db").public_url(url);
    let auth = builder.token_claims(|user| async move {
        let plan = if user.roles.contains("admin") { "all" } else { "free" };
        Ok(CustomClaims::new(&json!({ "plan": plan }))?)
    });
    let auth = auth.build().await?;
    let handler = async |user: SignedIn| format!("hello administrator {}", user.id());
    let admin = auth.guard().role(Role::parse("admin")?).route(warp::path!("admin"), handler);
    let posts = auth.guarded(warp::path!("posts"), async |user: SignedIn| {
        if user.has_role("moderator") { "all posts" } else { "your posts" }
    });
    warp::serve(auth.routes().or(admin).or(posts)).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
