use std::io::{self, Write as _};

use accounts::{SessionRecord, User};
use serde_json::{Value, json};

/// Prints for a person, or JSON for a program.
pub(super) struct Printer {
    json: bool,
}

/// A list of accounts of any length, printed as it comes.
pub(super) struct List {
    json: bool,
    is_empty: bool,
}

impl Printer {
    pub(super) const fn new(json: bool) -> Self {
        Self { json }
    }

    pub(super) fn list(&self) -> io::Result<List> {
        if self.json {
            write!(io::stdout(), "[")?;
        }
        Ok(List { json: self.json, is_empty: true })
    }

    pub(super) fn user(&self, user: &User) -> io::Result<()> {
        if self.json {
            return self.value(&user_json(user));
        }
        let disabled = match user.disabled_at {
            Some(since) => format!("since {since:.0}"),
            None => "no".to_owned(),
        };
        let User { id, email, created_at, .. } = user;
        let email = email.as_str();
        writeln!(
            io::stdout(),
            "id        {id}\nemail     {email}\ncreated   {created_at:.0}\ndisabled  {disabled}"
        )
    }

    /// Says what was done with an account.
    pub(super) fn done(&self, what: &str, user: &User) -> io::Result<()> {
        if self.json {
            return self.value(&user_json(user));
        }
        writeln!(io::stdout(), "{what} {} ({})", user.email.as_str(), user.id)
    }

    pub(super) fn sessions(&self, sessions: &[SessionRecord]) -> io::Result<()> {
        if self.json {
            return self.value(&sessions.iter().map(session_json).collect());
        }
        let mut out = io::stdout().lock();
        for SessionRecord { session, client } in sessions {
            let ip = client.ip().map_or("-".to_owned(), |ip| ip.to_string());
            let (id, used) = (session.id, session.last_used_at);
            writeln!(out, "{id}  {used:.0}  {ip}  {}", client.user_agent().unwrap_or("-"))?;
        }
        Ok(())
    }

    pub(super) fn signed_out(&self, user: &User, ended: usize) -> io::Result<()> {
        if self.json {
            return self.value(&json!({"id": user.id.to_string(), "ended": ended}));
        }
        let sessions = if ended == 1 { "session" } else { "sessions" };
        writeln!(io::stdout(), "ended {ended} {sessions} of {}", user.email.as_str())
    }

    fn value(&self, value: &Value) -> io::Result<()> {
        writeln!(io::stdout(), "{value:#}")
    }
}

impl List {
    pub(super) fn user(&mut self, user: &User) -> io::Result<()> {
        let is_first = std::mem::replace(&mut self.is_empty, false);
        let mut out = io::stdout().lock();
        if self.json {
            let separator = if is_first { "" } else { "," };
            return write!(out, "{separator}\n  {}", user_json(user));
        }
        let state = if user.disabled_at.is_some() { "disabled" } else { "enabled " };
        writeln!(out, "{}  {:.0}  {state}  {}", user.id, user.created_at, user.email.as_str())
    }

    pub(super) fn end(self) -> io::Result<()> {
        match (self.json, self.is_empty) {
            (true, true) => writeln!(io::stdout(), "]"),
            (true, false) => writeln!(io::stdout(), "\n]"),
            (false, _) => Ok(()),
        }
    }
}

fn user_json(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "email": user.email.as_str(),
        "created_at": user.created_at.to_string(),
        "disabled_at": user.disabled_at.map(|at| at.to_string()),
    })
}

fn session_json(record: &SessionRecord) -> Value {
    let SessionRecord { session, client } = record;
    json!({
        "id": session.id.to_string(),
        "created_at": session.created_at.to_string(),
        "last_seen_at": session.last_used_at.to_string(),
        "idle_expires_at": session.idle_expires_at.to_string(),
        "expires_at": session.expires_at.to_string(),
        "remember": session.remember,
        "user_agent": client.user_agent(),
        "ip": client.ip().map(|ip| ip.to_string()),
    })
}
