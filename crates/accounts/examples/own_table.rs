//! An app with a table of its own, which is kept in step with the accounts.
use std::error::Error;
use std::io::Read as _;

use accounts::{AccountEvent, Accounts, Start};
use rusqlite::{Connection, params};
use tokio::task::spawn_blocking;

/// Writes the state of one account to the table of the app. The result is the same if this function
/// is called twice for an event.
fn update(event: &AccountEvent) -> rusqlite::Result<()> {
    let Some(id) = event.event.user else { return Ok(()) };
    let db = Connection::open("notes.db")?;
    match &event.user {
        Some(user) => db.execute(
            "INSERT INTO members (id, email) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET email = excluded.email",
            params![id.to_string(), user.email.as_str()],
        )?,
        None => db.execute("DELETE FROM members WHERE id = ?1", [id.to_string()])?,
    };
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let sql = "CREATE TABLE IF NOT EXISTS members (id TEXT PRIMARY KEY, email TEXT NOT NULL)";
    Connection::open("notes.db")?.execute_batch(sql)?;
    let accounts = Accounts::builder()
        .sqlite("accounts.db")
        .public_url("http://localhost:3000")
        .on_event_from(Start::Oldest, "members", async |event: AccountEvent| {
            // SQLite blocks, so the update runs on a thread that may block.
            spawn_blocking(move || update(&event)).await??;
            Ok::<(), Box<dyn Error + Send + Sync>>(())
        })
        .build()
        .await?;
    // A real app serves requests here. This one runs until its standard input is closed.
    spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    accounts.drain().await;
    Ok(())
}
