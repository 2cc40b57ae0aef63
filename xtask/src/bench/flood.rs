//! `cargo xtask bench flood`: the latency of `GET /api/me` at a low rate, on an idle server and
//! while many users sign in.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::client::Client;
use super::load::{Content, Load};
use super::probe::Probe;
use super::report::{Goal, Row, Section};
use super::statistics::quantile;
use super::workbench::{ITERATIONS, SIGN_IN, Workbench, sign_in};

/// The number of measured requests per second.
const RATE: u32 = 200;
/// The number of connections that sign in repeatedly.
const CONNECTIONS: u32 = 64;
/// The time until all connections of the flood are waiting for a hash.
const RAMP_UP: Duration = Duration::from_secs(1);

/// The latencies of all rounds, in milliseconds.
#[derive(Default)]
struct Latencies {
    median: Vec<f64>,
    p99: Vec<f64>,
    max: Vec<f64>,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let rounds = bench.unless_quick(5, 2);
    let seconds = bench.unless_quick(6, 3);
    // The last account sends the measured requests, and the others sign in.
    let installation = bench.installation(CONNECTIONS + 1, ITERATIONS)?;
    let server = installation.start(ITERATIONS)?;
    let token = sign_in(&mut Client::connect(&server.address)?, CONNECTIONS)?;
    let probe =
        Probe { address: &server.address, path: "/api/me", token: &token, rate: RATE, seconds };
    let flood = Load {
        url: server.url("/api/token"),
        connections: CONNECTIONS,
        seconds: u64::from(10 * seconds),
        content: Content::Post { body: SIGN_IN.to_owned(), bodies: Some(CONNECTIONS) },
    };
    let mut idle = Latencies::default();
    let mut flooded = Latencies::default();
    for _ in 0..rounds {
        idle.add(&probe.run()?);
        flooded.add(&probe_during(&flood, &probe)?);
        server.wait_until_idle()?;
    }
    Ok(report(&idle, &flooded))
}

/// Runs the probe during the flood of sign-ins, and then stops the flood.
fn probe_during(flood: &Load, probe: &Probe<'_>) -> Result<Vec<f64>> {
    let mut sign_ins = flood.command().stdout(Stdio::null()).spawn()?;
    thread::sleep(RAMP_UP);
    let times = probe.run();
    let is_flooded = sign_ins.try_wait()?.is_none();
    sign_ins.kill()?;
    sign_ins.wait()?;
    if !is_flooded {
        bail!("the flood ended before the probe");
    }
    times
}

impl Latencies {
    fn add(&mut self, times: &[f64]) {
        self.median.push(quantile(times, 0.5));
        self.p99.push(quantile(times, 0.99));
        self.max.push(quantile(times, 1.0));
    }
}

fn report(idle: &Latencies, flooded: &Latencies) -> Section {
    let mut section = Section::new("flood");
    let row = |what: &str, values: &[f64]| {
        Row::new(format!("latency of `GET /api/me`, {what}"), "ms", values)
    };
    section.add(row("median, idle", &idle.median));
    section.add(row("median, during the flood", &flooded.median));
    section.add(row("99th percentile, idle", &idle.p99));
    let p99 = row("99th percentile, during the flood", &flooded.p99);
    section.add(p99.with(Goal::AtMost(10.0)));
    let name = "latency of `GET /api/me`, 99th percentile, flood relative to idle";
    let ratio = Row::ratio(name, &flooded.p99, &idle.p99);
    section.add(ratio.with(Goal::AtMost(4.0)));
    section.add(row("maximum, idle", &idle.max));
    section.add(row("maximum, during the flood", &flooded.max));
    section
}
