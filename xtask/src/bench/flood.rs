//! `cargo xtask bench flood`: how long `GET /api/me` takes, asked for at a low rate, while
//! nothing else happens and while many log in.

use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

use super::client::Client;
use super::load::{Content, Load};
use super::probe::Probe;
use super::report::{Goal, Row, Section};
use super::statistics::quantile;
use super::workbench::{ITERATIONS, LOG_IN, Workbench, token};

const PER_SECOND: u32 = 200;
/// How many log in at a time, and again as soon as they are in.
const CONNECTIONS: u32 = 64;
/// Until every one of them waits for its hash.
const LEAD: Duration = Duration::from_secs(1);

/// The latencies of some rounds, in milliseconds.
#[derive(Default)]
struct Latencies {
    median: Vec<f64>,
    p99: Vec<f64>,
    most: Vec<f64>,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let (rounds, seconds) = (bench.unless_quick(5, 2), bench.unless_quick(6, 3));
    // The last account is the one that asks: the others log in.
    let site = bench.site(CONNECTIONS + 1, ITERATIONS)?;
    let server = site.start(ITERATIONS)?;
    let token = token(&mut Client::connect(&server.address)?, CONNECTIONS)?;
    let probe = Probe {
        address: &server.address,
        path: "/api/me",
        token: &token,
        per_second: PER_SECOND,
        seconds,
    };
    let flood = Load {
        url: server.url("/api/token"),
        connections: CONNECTIONS,
        seconds: u64::from(10 * seconds),
        content: Content::Post(LOG_IN.to_owned(), Some(CONNECTIONS)),
    };
    let (mut quiet, mut flooded) = (Latencies::default(), Latencies::default());
    for _ in 0..rounds {
        quiet.add(&probe.run()?);
        flooded.add(&beside(&flood, &probe)?);
        server.settle()?;
    }
    Ok(report(&quiet, &flooded))
}

/// Asks while others log in, who are sent away as soon as that is done.
fn beside(flood: &Load, probe: &Probe<'_>) -> Result<Vec<f64>> {
    let mut log_ins = flood.command().stdout(Stdio::null()).spawn()?;
    thread::sleep(LEAD);
    let times = probe.run();
    let is_flooded = log_ins.try_wait()?.is_none();
    log_ins.kill()?;
    log_ins.wait()?;
    if !is_flooded {
        bail!("the log-ins ended before what was measured beside them");
    }
    times
}

impl Latencies {
    fn add(&mut self, times: &[f64]) {
        self.median.push(quantile(times, 0.5));
        self.p99.push(quantile(times, 0.99));
        self.most.push(quantile(times, 1.0));
    }
}

fn report(quiet: &Latencies, flooded: &Latencies) -> Section {
    let mut section = Section::new("flood");
    section.add(Row::new("median, quiet", "ms", &quiet.median));
    section.add(Row::new("median, in the flood", "ms", &flooded.median));
    section.add(Row::new("99th percentile, quiet", "ms", &quiet.p99));
    let p99 = Row::new("99th percentile, in the flood", "ms", &flooded.p99);
    section.add(p99.with(Goal::AtMost(10.0)));
    let ratio = Row::ratio("99th percentile, flood to quiet", &flooded.p99, &quiet.p99);
    section.add(ratio.with(Goal::AtMost(4.0)));
    section.add(Row::new("longest, quiet", "ms", &quiet.most));
    section.add(Row::new("longest, in the flood", "ms", &flooded.most));
    section
}
