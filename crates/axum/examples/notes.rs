//! A notes app whose pages are rendered on the server.
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, State};
use axum::response::{Html, Redirect};
use axum::{Router, routing::get};
use axum_accounts::{Auth, FormPage, SameSite, User, accounts::UserId, escape_html};

/// The notes of each user. A real app has a database, whose tables refer to users by their ids.
type Notes = Arc<Mutex<HashMap<UserId, Vec<String>>>>;

fn page(title: &str, body: &str) -> Html<String> {
    let head = format!("<!DOCTYPE html><html lang=en><meta charset=utf-8><title>{title}</title>");
    Html(format!("{head}<main><h1>{title}</h1>{body}</main></html>"))
}

fn log_in_page(form: &FormPage) -> Html<String> {
    page(form.title(), &form.to_html())
}

async fn home(user: Option<User>) -> Html<String> {
    match user {
        Some(user) => {
            page("Notes", &format!("<a href=/notes>Notes of {}</a>", escape_html(user.email())))
        }
        None => page("Notes", "<a href=/login>Log in</a> or <a href=/signup>sign up</a>"),
    }
}

async fn notes(user: User, State(notes): State<Notes>) -> Html<String> {
    let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    let items = notes.get(&user.id()).into_iter().flatten();
    let items: String = items.map(|note| format!("<li>{}</li>", escape_html(note))).collect();
    page(
        "Your notes",
        &format!(
            "<ul>{items}</ul>
            <form method=post><label>Note <input name=note></label> <button>Add</button></form>
            <form method=post action=/logout><button>Log out</button></form>"
        ),
    )
}

async fn add_note(
    user: User, // first, so that the body is read for users only
    State(notes): State<Notes>,
    Form(mut form): Form<HashMap<String, String>>,
) -> Redirect {
    let note = form.remove("note").unwrap_or_default();
    let mut notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
    notes.entry(user.id()).or_default().push(note);
    Redirect::to("/notes")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port: u16 = std::env::var("PORT").map_or(Ok(3000), |port| port.parse())?;
    let auth = Auth::builder()
        .sqlite("app.db")
        .public_url(format!("http://localhost:{port}")) // in production: https://app.example
        .session_cookie(SameSite::Lax) // links from mails arrive signed in
        .build()
        .await?
        .after_log_in("/notes");
    let app = Router::new()
        .route("/", get(home))
        .route("/notes", get(notes).post(add_note))
        .with_state(Notes::default())
        .merge(auth.forms(log_in_page))
        .layer(auth.layer());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
