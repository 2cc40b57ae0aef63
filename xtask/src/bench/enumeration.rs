//! `cargo xtask bench enumeration`: tests whether the response to a log-in or to a request for a
//! mail, or the response time, reveals which email addresses have accounts.
//!
//! Each [scenario](Scenario) has its own server. Requests of several kinds are sent in random
//! order. Each pair of kinds is compared with the Mann-Whitney U test, which makes no assumptions
//! about the distribution of the times. Controls check the measurement itself: a second account of
//! the same kind must not differ from the first, and requests with slightly more work must differ.

mod accounts;
mod sample;
mod scenario;
mod verdict;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};

use self::sample::Sample;
use self::scenario::{SCENARIOS, Scenario};
use self::verdict::{Pair, compare, judge, print};
use super::client::Client;
use super::statistics::median;
use crate::process::step;
use crate::server::{Installation, Server};
use crate::{build, workspace};

/// The number of warm-up rounds of each connection. They are not counted, because caches are still
/// filling and the clock frequency is still rising.
const WARM_UP: usize = 20;

/// Compares the responses and the response times of requests, with and without accounts.
#[derive(clap::Args)]
pub(crate) struct Enumeration {
    /// The number of requests of each kind
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    rounds: usize,
    /// The iterations per hash, by default enough for hashing to take most of the response time
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    iterations: u32,
    /// Measure only the scenarios whose names contain this text, such as "429"
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Measure this server binary instead of building one
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

impl Enumeration {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let binary = match &self.server {
            Some(path) => path.clone(),
            None => build::release()?,
        };
        let chosen = || SCENARIOS.iter().filter(|scenario| scenario.name.contains(&self.only));
        if chosen().next().is_none() {
            bail!("no scenario has a name that contains {:?}", self.only);
        }
        let mut reports = Vec::new();
        let mut failures = Vec::new();
        for scenario in chosen() {
            println!("\n## {}\n", scenario.name);
            let samples = step(&format!("measuring: {}", scenario.name), || {
                self.measure(scenario, &Installation::new(binary.clone())?)
            })?;
            let pairs = compare(&samples);
            print(&samples, &pairs);
            reports.push(report(scenario, &samples, &pairs));
            if let Err(error) = judge(scenario, &samples, &pairs) {
                println!("failed: {error}");
                failures.push(format!("{}: {error}", scenario.name));
            }
        }
        self.write(&reports)?;
        match &*failures {
            [] => Ok(ExitCode::SUCCESS),
            failures => Err(anyhow!(failures.join("\n"))),
        }
    }

    fn measure(&self, scenario: &Scenario, installation: &Installation) -> Result<Vec<Sample>> {
        accounts::create(installation, scenario, self.iterations)?;
        let server = scenario.start(installation, self.iterations)?;
        let samples = scenario.samples(&server)?;
        let rounds = self.rounds / scenario.connections + WARM_UP;
        let measured: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..scenario.connections)
                .map(|number| {
                    let (samples, server) = (samples.clone(), &server);
                    scope.spawn(move || {
                        send_all(scenario, samples, server, number * rounds..(number + 1) * rounds)
                    })
                })
                .collect();
            threads.into_iter().map(ScopedJoinHandle::join).collect()
        });
        let mut all = samples;
        for samples in measured {
            let samples = samples.map_err(|_| anyhow!("a thread of the client panicked"))??;
            for (all, sample) in all.iter_mut().zip(samples) {
                all.times.extend(sample.times);
                all.response = sample.response;
            }
        }
        Ok(all)
    }

    fn write(&self, reports: &[Value]) -> Result<()> {
        let report = json!({ "iterations": self.iterations, "scenarios": reports });
        let directory = workspace::target_dir()?.join("bench");
        fs::create_dir_all(&directory)?;
        let path = directory.join("enumeration.json");
        fs::write(&path, format!("{report:#}\n"))?;
        eprintln!("written to {}", path.display());
        Ok(())
    }
}

/// Sends the requests of these rounds over one connection.
fn send_all(
    scenario: &Scenario,
    mut samples: Vec<Sample>,
    server: &Server,
    rounds: std::ops::Range<usize>,
) -> Result<Vec<Sample>> {
    let mut client = Client::connect(&server.address)?;
    let first = rounds.start;
    let mut order: Vec<_> = (0..samples.len()).collect();
    for round in rounds {
        fastrand::shuffle(&mut order);
        for at in &order {
            let time = samples[*at].send(&mut client, round, scenario.status);
            let time = time.with_context(|| samples[*at].name)?;
            if round >= first + WARM_UP {
                samples[*at].times.push(time);
            }
        }
    }
    Ok(samples)
}

fn report(scenario: &Scenario, samples: &[Sample], pairs: &[Pair]) -> Value {
    let kinds = samples.iter().map(|sample| {
        json!({
            "kind": sample.name,
            "n": sample.times.len(),
            "median_ms": median(&sample.times),
        })
    });
    json!({
        "scenario": scenario.name,
        "kinds": kinds.collect::<Value>(),
        "pairs": pairs.iter().map(Pair::json).collect::<Value>(),
    })
}
