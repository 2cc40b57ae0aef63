//! Requests as fast as they are answered. wrk sends them: of a machine that the server has to
//! share with what asks it, it takes the least.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::{apt, workspace};

/// What is sent to one address.
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
    /// With the tokens in this file in turn, of which there is one a line.
    GetWith(PathBuf),
    /// A body in which `{n}` is replaced by a number less than this, or a new one each time.
    Post(String, Option<u32>),
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answers {
    /// Those with a status of success.
    pub(super) good: u64,
    /// Those with another.
    pub(super) refused: u64,
    pub(super) seconds: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

impl Answers {
    /// Good answers a second.
    pub(super) fn rate(&self) -> f64 {
        self.good as f64 / self.seconds
    }
}

/// Looks for wrk before anything is measured.
pub(super) fn find_or_install() -> Result<()> {
    if version().is_some() {
        return Ok(());
    }
    if apt::can_install() && apt::install("wrk", &["wrk"]).is_ok() && version().is_some() {
        return Ok(());
    }
    bail!("the load comes from wrk: install it (on Debian `apt-get install wrk`)")
}

/// It calls the question for its version a wrong use of it, and answers all the same.
pub(super) fn version() -> Option<String> {
    let output = Command::new("wrk").arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned)
}

impl Load {
    /// Sends requests until the time is over.
    pub(super) fn run(&self) -> Result<Answers> {
        let output = self.command().stderr(Stdio::inherit()).output();
        let output = output.context("wrk could not be started")?;
        let text = String::from_utf8_lossy(&output.stdout);
        parse(&text).with_context(|| format!("what wrk said of {}: {text}", self.url))
    }

    pub(super) fn command(&self) -> Command {
        let mut command = Command::new("wrk");
        let (connections, seconds) = (self.connections.to_string(), self.seconds.to_string());
        command.args(["--threads", "1", "--connections", &connections]);
        command.args(["--duration", &seconds, "--timeout", "60", "--script"]);
        command.arg(workspace::root().join("xtask/src/bench/load.lua")).arg(&self.url).arg("--");
        match &self.content {
            Content::Get => command.args(["GET", "-", "-", "0"]),
            Content::GetWith(tokens) => command.arg("GET").arg(tokens).args(["-", "0"]),
            Content::Post(body, bodies) => {
                command.env("BENCH_PATIENT", "1");
                command.args(["POST", "-", body, &bodies.unwrap_or(0).to_string()])
            }
        };
        command
    }
}

/// The last line, which is the script's. A measurement in which connections broke is none.
fn parse(text: &str) -> Result<Answers> {
    let line = text.lines().last().unwrap_or_default();
    let value: Value = serde_json::from_str(line)?;
    let count = |name: &str| value[name].as_u64().with_context(|| format!("no {name}"));
    let number = |name: &str| value[name].as_f64().with_context(|| format!("no {name}"));
    let (answers, refused, broken) = (count("answers")?, count("refused")?, count("broken")?);
    if broken > 0 {
        bail!("{broken} requests had no answer");
    }
    let (p50_ms, p99_ms) = (number("p50_ms")?, number("p99_ms")?);
    Ok(Answers { good: answers - refused, refused, seconds: number("seconds")?, p50_ms, p99_ms })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const CHATTER: &str = "Running 2s test\n  1 threads and 16 connections\n\n";

    fn said(broken: u64) -> String {
        let line = json!({
            "answers": 42, "refused": 2, "broken": broken, "seconds": 2.0,
            "p50_ms": 5.5, "p99_ms": 17, "max_ms": 21,
        });
        format!("{CHATTER}{line}\n")
    }

    #[test]
    fn the_last_line_has_the_figures() {
        let answers = parse(&said(0)).unwrap();
        assert_eq!((answers.good, answers.refused), (40, 2));
        assert_eq!((answers.rate(), answers.p50_ms, answers.p99_ms), (20.0, 5.5, 17.0));
    }

    #[test]
    fn where_connections_broke_nothing_was_measured() {
        assert!(parse(&said(1)).is_err());
        assert!(parse(CHATTER).is_err());
    }
}
