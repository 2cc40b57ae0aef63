//! What every part needs: the programs that are measured, and how much is to be measured.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::client::Client;
use crate::process::{cargo, run, step};
use crate::server::{Server, Site};
use crate::{build, workspace};

/// How much is measured, and of what.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Effort {
    /// Fewer and shorter rounds, to see that it works: the figures are rough
    #[arg(long)]
    pub(super) quick: bool,
    /// The server's program, if it is not to be built
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

pub(super) struct Workbench {
    effort: Effort,
    server: OnceCell<PathBuf>,
    helper: OnceCell<PathBuf>,
}

/// What OWASP recommends, and what is compared at.
pub(super) const ITERATIONS: u32 = 600_000;

pub(super) const PASSWORD: &str = "a long walk along the sea";

/// A log-in of one of the accounts that were filled in.
pub(super) const LOG_IN: &str =
    r#"{"email":"user{n}@example.com","password":"a long walk along the sea"}"#;

impl Workbench {
    pub(super) const fn new(effort: Effort) -> Self {
        Self { effort, server: OnceCell::new(), helper: OnceCell::new() }
    }

    /// Builds what is measured, so that no part waits for it.
    pub(super) fn prepare(&self) -> Result<()> {
        self.server()?;
        self.helper().map(drop)
    }

    /// The first number, or the second if there is little time.
    pub(super) const fn unless_quick<T: Copy>(&self, usual: T, quick: T) -> T {
        if self.effort.quick { quick } else { usual }
    }

    pub(super) const fn is_quick(&self) -> bool {
        self.effort.quick
    }

    /// The server's program.
    pub(super) fn server(&self) -> Result<&Path> {
        once(&self.server, || match &self.effort.server {
            Some(path) => Ok(path.clone()),
            None => build::release(),
        })
    }

    /// The program that measures from within.
    fn helper(&self) -> Result<&Path> {
        once(&self.helper, || {
            step("building what measures from within", || {
                run(&mut cargo(["build", "--release", "--package", "bench"]))
            })?;
            Ok(workspace::target_dir()?.join("release/bench"))
        })
    }

    /// One of its commands.
    pub(super) fn measure(&self, args: &[&str]) -> Result<Value> {
        let output = Command::new(self.helper()?).args(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).with_context(|| {
            format!("bench {}: {}", args.join(" "), String::from_utf8_lossy(&output.stderr))
        })
    }

    pub(super) fn bare(&self) -> Result<Server> {
        Server::announced(Command::new(self.helper()?).arg("bare"))
    }

    /// A server's program with a database in which so many users are.
    pub(super) fn site(&self, users: u32, iterations: u32) -> Result<Site> {
        let site = Site::new(self.server()?.to_owned())?;
        let (database, users, iterations) =
            (site.database(), users.to_string(), iterations.to_string());
        let database = database.to_string_lossy();
        self.measure(&["fill", &database, &users, "--iterations", &iterations])?;
        Ok(site)
    }
}

/// Logs in as one of the users that were filled in.
pub(super) fn token(client: &mut Client, n: u32) -> Result<String> {
    let (answer, _) = client.post("/api/token", &LOG_IN.replace("{n}", &n.to_string()))?;
    answer.member("access_token").with_context(|| format!("log-in of user {n}"))
}

fn once(cell: &OnceCell<PathBuf>, make: impl FnOnce() -> Result<PathBuf>) -> Result<&Path> {
    if cell.get().is_none() {
        let _ = cell.set(make()?);
    }
    cell.get().map(PathBuf::as_path).context("it was made just now")
}
