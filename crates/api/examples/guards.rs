//! A notes app, with routes for different users.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use api::accounts::UserId;
use api::{Auth, SignUpRefusal, SignUpRequest, SignedIn};
use warp::Filter;
use warp::http::StatusCode;

/// The notes of each user. A real app has a database, whose tables refer to users by their ids.
type Notes = Arc<Mutex<HashMap<UserId, Vec<String>>>>;

#[derive(serde::Deserialize)]
struct NewNote {
    text: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let auth = Auth::builder()
        .sqlite("app.db")
        .public_url(url)
        .before_sign_up(async |request: SignUpRequest| {
            if request.invited || request.email.key().as_str().ends_with("@example.com") {
                return Ok(());
            }
            Err(SignUpRefusal::new("Sign up with your work email address."))
        })
        .build()
        .await?;

    let notes = Notes::default();
    let all_notes = notes.clone();
    let list = warp::path!("notes").and(warp::get());
    let list = auth.guard().page().route(list, move |user: SignedIn| {
        let notes = all_notes.clone();
        async move {
            let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.get(&user.id()).map(|notes| notes.join("\n")).unwrap_or_default()
        }
    });
    let add = warp::path!("notes").and(warp::post());
    let verified = auth.guard().verified().json(16 * 1024);
    let add = verified.route(add, move |user: SignedIn, note: NewNote| {
        let notes = notes.clone();
        async move {
            let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
            notes.entry(user.id()).or_default().push(note.text);
            StatusCode::CREATED
        }
    });
    let report = auth.guarded(warp::path!("report"), async |user: SignedIn| {
        if user.has_second_factor() {
            "the report"
        } else {
            "Turn on two-step log-in to see the report."
        }
    });
    warp::serve(auth.routes().or(list).or(add).or(report)).run(([127, 0, 0, 1], port)).await;
    Ok(())
}
