//! Sends requests with wrk, as fast as they are answered. The load generator shares the processor
//! with the server, and wrk needs less processor time than other tools.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::apt::Requirement;
use crate::workspace;

/// Requests to one URL.
#[derive(Debug, Clone)]
pub(super) struct Load {
    pub(super) url: String,
    pub(super) connections: u32,
    pub(super) seconds: u64,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Get,
    /// `GET` with the tokens in this file, one per line, in turn.
    GetWith(PathBuf),
    /// `POST` with a body in which `{n}` is replaced by a number below `bodies`. If `bodies` is
    /// `None`, each request gets a new number.
    Post {
        body: String,
        bodies: Option<u32>,
    },
}

/// A summary of the responses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Responses {
    /// The number of responses with a success status.
    pub(super) succeeded: u64,
    /// The number of responses with another status.
    pub(super) rejected: u64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Responses {
    /// Returns the successful responses per second.
    pub(super) fn rate(&self) -> f64 {
        self.succeeded as f64 / self.seconds
    }
}

const WRK: Requirement = Requirement { name: "wrk", packages: &["wrk"] };

/// Finds or installs wrk.
pub(super) fn find_or_install() -> Result<()> {
    WRK.ensure(
        || version().is_some(),
        "wrk, which generates the load, is missing: install it (on Debian `apt-get install wrk`)",
    )
}

/// Returns the version of wrk, which `wrk --version` prints before a usage error.
pub(super) fn version() -> Option<String> {
    let output = Command::new("wrk").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned)
}

impl Load {
    /// Sends requests for the given time.
    pub(super) fn run(&self) -> Result<Responses> {
        let output = self.command().stderr(Stdio::inherit()).output();
        let output = output.context("wrk could not be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse(&text)
            .with_context(|| format!("the output of wrk for {} cannot be parsed: {text}", self.url))
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("wrk");
        command.args(["--threads", "1", "--connections", &self.connections.to_string()]);
        command.args(["--duration", &self.seconds.to_string(), "--timeout", "60", "--script"]);
        command.arg(workspace::root().join("xtask/src/bench/load.lua")).arg(&self.url).arg("--");
        match &self.content {
            Content::Get => command.args(["GET", "-", "-", "0"]),
            Content::GetWith(tokens) => command.arg("GET").arg(tokens).args(["-", "0"]),
            Content::Post { body, bodies } => {
                command.env("BENCH_RETRY_DELAY", "1");
                command.args(["POST", "-", body, &bodies.unwrap_or(0).to_string()])
            }
        };
        command
    }
}

/// Parses the last line of the output, which `load.lua` prints. Fails if a request got no response.
fn parse(text: &str) -> Result<Responses> {
    let line = text.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(line)?;
    let count =
        |name: &str| value[name].as_u64().with_context(|| format!("the output has no `{name}`"));
    let number =
        |name: &str| value[name].as_f64().with_context(|| format!("the output has no `{name}`"));
    let broken = count("broken")?;
    if broken > 0 {
        bail!("{broken} requests had no response");
    }
    let rejected = count("rejected")?;
    Ok(Responses {
        succeeded: count("responses")? - rejected,
        rejected,
        seconds: number("seconds")?,
        p50_ms: number("p50_ms")?,
        p99_ms: number("p99_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PREAMBLE: &str = "Running 2s test\n  1 threads and 16 connections\n\n";

    fn report(broken: u64) -> String {
        let line = json!({
            "responses": 42, "rejected": 2, "broken": broken, "seconds": 2.0,
            "p50_ms": 5.5, "p99_ms": 17, "max_ms": 21,
        });
        format!("{PREAMBLE}{line}\n")
    }

    #[test]
    fn the_last_line_is_parsed() {
        let responses = parse(&report(0)).unwrap();
        assert_eq!((responses.succeeded, responses.rejected), (40, 2));
        assert_eq!((responses.rate(), responses.p50_ms, responses.p99_ms), (20.0, 5.5, 17.0));
    }

    #[test]
    fn broken_connections_and_a_missing_report_are_errors() {
        assert!(parse(&report(1)).is_err());
        assert!(parse(PREAMBLE).is_err());
    }
}
