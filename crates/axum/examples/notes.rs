//! A notes app whose pages are rendered on the server.
#![expect(clippy::print_stdout, reason = "the app says where it listens")]
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Form, State};
use axum::response::{Html, Redirect};
use axum::{Router, routing::get};
use axum_accounts::accounts::{Email, UserId};
use axum_accounts::{Auth, FormPage, SameSite, User, escape_html};
use mail::MailFolder;

const HEAD: &str = "<!DOCTYPE html><html lang=en><meta charset=utf-8>
    <meta name=viewport content='width=device-width'><meta name=color-scheme content='light dark'>
    <script type=module src=/latchkey-page.js></script>";

/// The notes of each user. A real app has a database, whose tables refer to users by their ids.
type Notes = Arc<Mutex<HashMap<UserId, Vec<String>>>>;

fn page(title: &str, body: &str) -> Html<String> {
    Html(format!("{HEAD}<title>{title}</title><main><h1>{title}</h1>{body}</main></html>"))
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
    let url = format!("http://localhost:{port}"); // in production: https://app.example
    let sender = Email::parse("no-reply@app.example")?;
    let auth = Auth::builder()
        .sqlite("app.db")
        .public_url(&url)
        .mail(MailFolder::open("mail", &sender)?) // in production: SmtpTransport
        .session_cookie(SameSite::Lax) // links from mails arrive signed in
        .build()
        .await?
        .after_log_in("/notes")
        .error_page(|error| page("Sorry", &format!("<p>{}</p>", escape_html(&error.to_string()))));
    let app = Router::new()
        .route("/", get(home))
        .route("/notes", get(notes).post(add_note))
        .with_state(Notes::default())
        .merge(auth.forms(log_in_page))
        .layer(auth.layer());
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    println!("listening at {url}");
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
