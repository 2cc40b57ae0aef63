//! The programs that are measured, and the extent of the measurements.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::client::Client;
use crate::process::{cargo, run, step};
use crate::server::{Installation, Server};
use crate::{build, workspace};

/// The extent of the measurements, and the server to measure.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Effort {
    /// Measure fewer and shorter rounds; the figures are less precise
    #[arg(long)]
    pub(super) quick: bool,
    /// Update the tables in docs/PERFORMANCE.md
    #[arg(long)]
    pub(super) update_docs: bool,
    /// Measure this server binary instead of building one
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Measure with this binary of the `bench` crate instead of building one
    #[arg(long, value_name = "PATH")]
    helper: Option<PathBuf>,
}

/// The server and the helper program, each built when it is first needed.
pub(super) struct Workbench {
    effort: Effort,
    server: OnceCell<PathBuf>,
    helper: OnceCell<PathBuf>,
}

/// The number of iterations that OWASP recommends for PBKDF2-HMAC-SHA256.
pub(super) const ITERATIONS: u32 = 600_000;

pub(super) const PASSWORD: &str = "a long walk along the sea";

/// The body of a sign-in request for one of the prepared accounts.
pub(super) const SIGN_IN: &str =
    r#"{"email":"user{n}@example.com","password":"a long walk along the sea"}"#;

impl Workbench {
    pub(super) const fn new(effort: Effort) -> Self {
        Self { effort, server: OnceCell::new(), helper: OnceCell::new() }
    }

    /// Builds the programs, so that no measurement includes a build.
    pub(super) fn build(&self) -> Result<()> {
        self.server()?;
        self.helper().map(drop)
    }

    /// Returns `usual`, or `quick` if the option `--quick` is given.
    pub(super) const fn unless_quick<T: Copy>(&self, usual: T, quick: T) -> T {
        if self.effort.quick { quick } else { usual }
    }

    pub(super) const fn is_quick(&self) -> bool {
        self.effort.quick
    }

    /// Returns the path of the server binary.
    pub(super) fn server(&self) -> Result<&Path> {
        get_or_build(&self.server, || match &self.effort.server {
            Some(path) => Ok(path.clone()),
            None => build::release(),
        })
    }

    /// Returns the path of the binary of the `bench` crate, which measures without HTTP.
    fn helper(&self) -> Result<&Path> {
        get_or_build(&self.helper, || {
            if let Some(path) = &self.effort.helper {
                return Ok(path.clone());
            }
            step("building the bench helper", || {
                run(&mut cargo(["build", "--release", "--package", "bench"]))
            })?;
            Ok(workspace::target_dir()?.join("release/bench"))
        })
    }

    /// Runs a command of the helper. Returns its output.
    pub(super) fn measure(&self, args: &[&str]) -> Result<Value> {
        let output = Command::new(self.helper()?).args(args).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).with_context(|| {
            format!(
                "`bench {}` failed: {}",
                args.join(" "),
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Starts a server that consists of warp only.
    pub(super) fn start_bare_warp(&self) -> Result<Server> {
        Server::start(Command::new(self.helper()?).arg("bare"))
    }

    /// Returns an installation whose database has this many users.
    pub(super) fn installation(&self, users: u32, iterations: u32) -> Result<Installation> {
        let installation = Installation::new(self.server()?.to_owned())?;
        let database = installation.database();
        self.measure(&[
            "fill",
            &database.to_string_lossy(),
            &users.to_string(),
            "--iterations",
            &iterations.to_string(),
        ])?;
        Ok(installation)
    }
}

/// Signs in as one of the prepared users and returns the access token.
pub(super) fn sign_in(client: &mut Client, n: u32) -> Result<String> {
    let (response, _) = client.post("/api/token", &SIGN_IN.replace("{n}", &n.to_string()))?;
    response.member("access_token").with_context(|| format!("user {n} could not sign in"))
}

/// Returns the path in a cell. If the cell is empty, builds the program first.
fn get_or_build(
    cell: &OnceCell<PathBuf>,
    build: impl FnOnce() -> Result<PathBuf>,
) -> Result<&Path> {
    if let Some(path) = cell.get() {
        return Ok(path);
    }
    let path = build()?;
    Ok(cell.get_or_init(|| path))
}
