//! `cargo xtask bench enumeration`: tests whether the response to a rejected log-in, or the
//! response time, reveals which email addresses have accounts.
//!
//! Log-ins of several kinds are sent over one connection in random order. Each pair of kinds is
//! compared with the Mann-Whitney U test, which makes no assumptions about the distribution of the
//! times. Two kinds check the measurement itself. A second account of the same kind must not differ
//! from the first. An account whose hash takes 2 % more work must differ.

mod sample;
mod verdict;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use self::sample::{KINDS, Kind, Sample};
use self::verdict::{Pair, compare, judge, print};
use super::client::Client;
use super::statistics::median;
use crate::server::Installation;
use crate::{build, workspace};

/// The number of warm-up rounds. They are not counted, because caches are still filling and the
/// clock frequency is still rising.
const WARM_UP: usize = 20;

/// Compares the responses and the response times of rejected log-ins.
#[derive(clap::Args)]
pub(crate) struct Enumeration {
    /// The number of log-ins of each kind
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    rounds: usize,
    /// The iterations per hash, by default enough for hashing to take most of the response time
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    iterations: u32,
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
        let samples = self.measure(&Installation::new(binary)?)?;
        let pairs = compare(&samples);
        print(&samples, &pairs);
        self.write(&samples, &pairs)?;
        judge(&samples, &pairs).map(|()| ExitCode::SUCCESS)
    }

    fn measure(&self, installation: &Installation) -> Result<Vec<Sample>> {
        for kind in [Kind::Wrong, Kind::WrongAgain, Kind::Disabled] {
            installation.create_user(
                &kind.email(0),
                "a long walk along the sea",
                self.iterations,
            )?;
        }
        let slower = self.iterations + self.iterations / 50;
        installation.create_user(&Kind::Slower.email(0), "a long walk along the sea", slower)?;
        installation.disable_user(&Kind::Disabled.email(0))?;
        let server = installation.start(self.iterations)?;
        let mut client = Client::connect(&server.address)?;
        let mut samples = KINDS.map(Sample::new);
        let mut order: Vec<_> = (0..KINDS.len()).collect();
        for round in 0..self.rounds + WARM_UP {
            fastrand::shuffle(&mut order);
            for at in &order {
                let time = samples[*at].send(&mut client, round)?;
                if round >= WARM_UP {
                    samples[*at].times.push(time);
                }
            }
        }
        Ok(samples.into())
    }

    fn write(&self, samples: &[Sample], pairs: &[Pair]) -> Result<()> {
        let kinds = samples.iter().map(|sample| {
            json!({
                "kind": sample.kind.name(),
                "n": sample.times.len(),
                "median_ms": median(&sample.times),
            })
        });
        let report = json!({
            "iterations": self.iterations,
            "kinds": kinds.collect::<Value>(),
            "pairs": pairs.iter().map(Pair::json).collect::<Value>(),
        });
        let directory = workspace::target_dir()?.join("bench");
        fs::create_dir_all(&directory)?;
        let path = directory.join("enumeration.json");
        fs::write(&path, format!("{report:#}\n"))?;
        eprintln!("written to {}", path.display());
        Ok(())
    }
}
