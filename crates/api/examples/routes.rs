//! An app whose front end is at another origin, with its accounts under `/auth`.
use api::{Auth, Origin, Part, SignedIn};
use warp::Filter;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://api.example.com
    let front_end = Origin::parse("http://localhost:5173")?; // https://www.example.com
    let auth = Auth::builder().sqlite("app.db").public_url(url).build().await?;
    let auth = auth.prefix("/auth")?.without(Part::Deletion).allow_origin(front_end);
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let hello = auth.guarded(warp::path!("hello").and(warp::get()), hello);
    let app = auth.routes().or(auth.cors(hello));
    warp::serve(app).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
