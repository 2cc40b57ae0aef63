//! `cargo xtask bench private`: the rate and latency of `GET /api/me`, which verifies a token and
//! looks up its session and user.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::client::Client;
use super::flask::Flask;
use super::load::{Content, Load};
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, Workbench, sign_in};
use crate::server::Server;
use crate::usage::cpu_seconds;

const CONNECTIONS: u32 = 16;

/// A server to compare.
struct Candidate {
    name: &'static str,
    server: Server,
    content: Content,
    /// Requests per second.
    rate: Vec<f64>,
    /// Latencies in milliseconds.
    median: Vec<f64>,
    p99: Vec<f64>,
    /// Microseconds of processor time per request.
    cpu: Vec<f64>,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let rounds = bench.unless_quick(5, 2);
    let seconds = bench.unless_quick(4, 2);
    let directory = tempfile::tempdir()?;
    let installation = bench.installation(1, ITERATIONS)?;
    let flask = Flask::install(1)?;
    let mut candidates = [
        Candidate::with_token(
            "Latchkey",
            installation.start(ITERATIONS)?,
            &directory.path().join("latchkey"),
        )?,
        Candidate::new("warp alone", bench.start_bare_warp()?, Content::Get),
        Candidate::with_token("Flask", flask.start()?, &directory.path().join("flask"))?,
    ];
    for _ in 0..rounds {
        for candidate in &mut candidates {
            candidate.measure(seconds)?;
        }
    }
    Ok(report(&candidates))
}

impl Candidate {
    fn new(name: &'static str, server: Server, content: Content) -> Self {
        Self {
            name,
            server,
            content,
            rate: Vec::new(),
            median: Vec::new(),
            p99: Vec::new(),
            cpu: Vec::new(),
        }
    }

    fn with_token(name: &'static str, server: Server, file: &Path) -> Result<Self> {
        fs::write(file, sign_in(&mut Client::connect(&server.address)?, 0)?)?;
        Ok(Self::new(name, server, Content::GetWith(file.to_owned())))
    }

    fn measure(&mut self, seconds: u64) -> Result<()> {
        let load = Load {
            url: self.server.url("/api/me"),
            connections: CONNECTIONS,
            seconds,
            content: self.content.clone(),
        };
        let before = cpu_seconds(self.server.id())?;
        let responses = load.run()?;
        let used = cpu_seconds(self.server.id())? - before;
        self.server.wait_until_idle()?;
        if responses.rejected > 0 {
            bail!("{} rejected {} requests", self.name, responses.rejected);
        }
        self.rate.push(responses.rate());
        self.median.push(responses.p50_ms);
        self.p99.push(responses.p99_ms);
        self.cpu.push(used * 1e6 / responses.succeeded as f64);
        Ok(())
    }
}

fn report(candidates: &[Candidate; 3]) -> Section {
    let mut section = Section::new("private");
    let [latchkey, bare, flask] = candidates;
    for candidate in candidates {
        let name = format!("rate of `GET /api/me`: {}", candidate.name);
        section.add(Row::new(name, "/s", &candidate.rate));
    }
    let name = "rate of `GET /api/me`: Latchkey relative to warp alone";
    let to_bare = Row::ratio(name, &latchkey.rate, &bare.rate);
    section.add(to_bare.with(Goal::AtLeast(0.6)));
    let name = "rate of `GET /api/me`: Latchkey relative to Flask";
    section.add(Row::ratio(name, &latchkey.rate, &flask.rate));
    for candidate in candidates {
        let cpu = Row::new(
            format!("processor time per `GET /api/me`: {}", candidate.name),
            "µs",
            &candidate.cpu,
        );
        let is_ours = candidate.name == latchkey.name;
        section.add(if is_ours { cpu.with(Goal::AtMost(12.0)) } else { cpu });
    }
    for candidate in candidates {
        section.add(Row::new(
            format!("median latency: {}", candidate.name),
            "ms",
            &candidate.median,
        ));
        section.add(Row::new(
            format!("99th percentile latency: {}", candidate.name),
            "ms",
            &candidate.p99,
        ));
    }
    section
}
