//! `cargo xtask serve --watch`: rebuilds on every change, restarts the server and reloads open pages.
//!
//! If a build fails, the last good version keeps running.

mod server;
mod sources;

use std::process::{Command, ExitCode};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Result;
use notify::{RecursiveMode, Watcher as _};

use self::server::Server;
use self::sources::Rebuild;
use crate::web::reload::{self, OpenPages};
use crate::{build, web, workspace};

/// A change counts as complete after a pause of this length, because an editor may write several
/// files, or one file in several steps.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// How often the server process is checked while no file changes.
const SERVER_CHECK_INTERVAL: Duration = Duration::from_millis(500);

enum Event {
    Changed(Rebuild),
    Stop,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let (send, events) = mpsc::channel();
    let stop = send.clone();
    ctrlc::set_handler(move || drop(stop.send(Event::Stop)))?;

    let root = workspace::root();
    let base = root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let changes =
            event.map_or_else(|_| Rebuild::ALL, |event| Rebuild::from_event(&base, &event));
        if changes.any() {
            drop(send.send(Event::Changed(changes)));
        }
    })?;
    for directory in ["crates", "apps"] {
        watcher.watch(&root.join(directory), RecursiveMode::Recursive)?;
    }
    watcher.watch(&root, RecursiveMode::NonRecursive)?;

    let mut server = Server::start(command)?;
    reload::announce_build()?;
    while let Some(changes) = next_changes(&events, &mut server) {
        update(changes, &mut server);
    }
    server.stop()
}

/// Waits for changes, and returns them when they are complete. Returns `None` if this process must
/// stop.
fn next_changes(events: &Receiver<Event>, server: &mut Server) -> Option<Rebuild> {
    let mut changes = Rebuild::default();
    loop {
        let timeout = if changes.any() { DEBOUNCE } else { SERVER_CHECK_INTERVAL };
        match events.recv_timeout(timeout) {
            Ok(Event::Changed(more)) => changes = changes.merge(more),
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if changes.any() => return Some(changes),
            Err(RecvTimeoutError::Timeout) => server.report_exit(),
        }
    }
}

fn update(changes: Rebuild, server: &mut Server) {
    match rebuild(changes, server) {
        Ok(()) => eprintln!("==> up to date"),
        Err(error) => eprintln!("error: {error:#}\n==> the previous version keeps running"),
    }
}

fn rebuild(changes: Rebuild, server: &mut Server) -> Result<()> {
    if changes.spa {
        web::build(OpenPages::Reload)?;
    }
    if changes.server {
        build::development()?;
    }
    server.restart_if_changed()?;
    reload::announce_build()
}
