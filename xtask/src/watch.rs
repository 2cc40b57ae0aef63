//! `cargo xtask serve --watch`: the server running beside the sources, and up to date with
//! them. What does not build changes nothing: the last good version keeps running.

mod server;
mod sources;

use std::process::{Command, ExitCode};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::Result;
use notify::{RecursiveMode, Watcher as _};

use self::server::Server;
use self::sources::Changes;
use crate::serve::build_server;
use crate::{web, workspace};

/// An editor writes several files, or one in several steps: a pause this long ends a change.
const QUIET: Duration = Duration::from_millis(300);

/// How often the server is looked after while nothing else happens.
const CHECK: Duration = Duration::from_millis(500);

enum Event {
    Changed(Changes),
    Stop,
}

pub(crate) fn run(command: Command) -> Result<ExitCode> {
    let (send, events) = mpsc::channel();
    let stop = send.clone();
    ctrlc::set_handler(move || drop(stop.send(Event::Stop)))?;

    let root = workspace::root();
    let base = root.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let changes = event.map_or_else(|_| Changes::ALL, |event| Changes::of(&base, &event));
        if changes.any() {
            drop(send.send(Event::Changed(changes)));
        }
    })?;
    for directory in ["crates", "apps"] {
        watcher.watch(&root.join(directory), RecursiveMode::Recursive)?;
    }
    watcher.watch(&root, RecursiveMode::NonRecursive)?;

    let mut server = Server::start(command)?;
    while let Some(changes) = next(&events, &mut server) {
        update(changes, &mut server);
    }
    server.stop()
}

/// The next change, when it is over; none when we are asked to stop.
fn next(events: &Receiver<Event>, server: &mut Server) -> Option<Changes> {
    let mut changes = Changes::default();
    loop {
        let patience = if changes.any() { QUIET } else { CHECK };
        match events.recv_timeout(patience) {
            Ok(Event::Changed(more)) => changes = changes.and(more),
            Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if changes.any() => return Some(changes),
            Err(RecvTimeoutError::Timeout) => server.look_after(),
        }
    }
}

fn update(changes: Changes, server: &mut Server) {
    let spa = if changes.spa { web::build() } else { Ok(()) };
    let built = spa.and_then(|()| if changes.server { build_server().map(drop) } else { Ok(()) });
    match built.and_then(|()| server.renew()) {
        Ok(()) => eprintln!("==> up to date"),
        Err(error) => eprintln!("error: {error:#}\n==> the version before keeps running"),
    }
}
