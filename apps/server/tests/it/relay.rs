//! A relay that receives the mails of a server.

use std::fs::{Permissions, set_permissions, write};
use std::ops::Deref;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use test_smtp::{ServerConfig, SmtpServer};
use tokio::runtime::Runtime;

/// The sender of the mails.
pub(crate) const FROM: &str = "latchkey@example.com";

/// The user and the password of a relay with `AUTH`.
pub(crate) const LOGIN: Option<(&str, &str)> = Some(("app", "hunter2-is-secret"));

/// A relay, and the threads on which it runs.
pub(crate) struct Relay {
    server: SmtpServer,
    _runtime: Runtime,
}

impl Relay {
    pub(crate) fn start(config: ServerConfig<'_>) -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(SmtpServer::start(config));
        Self { server, _runtime: runtime }
    }
}

impl Deref for Relay {
    type Target = SmtpServer;

    fn deref(&self) -> &SmtpServer {
        &self.server
    }
}

/// Writes a file with the password of [`LOGIN`] and a second line, and returns its path.
pub(crate) fn password_file(folder: &Path) -> String {
    let path = folder.join("smtp-password");
    let (_, password) = LOGIN.unwrap();
    write(&path, format!("{password}\nthe second line\n")).unwrap();
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Waits until a condition is met.
pub(crate) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..30_000 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    unreachable!("{what}");
}
