//! `cargo xtask bench enumeration`: whether a refused log-in tells which addresses have
//! accounts, by what it answers or by how long it takes.
//!
//! Log-ins of several kinds are sent over one connection in random order, and every two
//! kinds are compared by the Mann-Whitney U test, which asks nothing of how the times are
//! distributed. Two kinds are there to measure the measurement: a second account of the
//! same kind as the first, which must not be told from it, and one whose hash takes 2 % more
//! work, which must be.

mod verdict;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::statistics::median;
use crate::server::Site;
use crate::{build, workspace};
use verdict::{Pair, compare, judge, print};

/// Compares refused log-ins.
#[derive(clap::Args)]
pub(crate) struct Enumeration {
    /// Log-ins of each kind
    #[arg(long, value_name = "N", default_value_t = 2_000)]
    rounds: usize,
    /// Iterations of a hash: enough for the hash to be what takes the time
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    iterations: u32,
    /// The server's program, if it is not to be built
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Wrong,
    WrongAgain,
    Disabled,
    Slower,
}

const KINDS: [Kind; 5] =
    [Kind::Unknown, Kind::Wrong, Kind::WrongAgain, Kind::Disabled, Kind::Slower];

/// The log-ins of one kind.
struct Sample {
    kind: Kind,
    answer: Option<Answer>,
    /// In milliseconds.
    times: Vec<f64>,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown account",
            Self::Wrong => "wrong password",
            Self::WrongAgain => "another account",
            Self::Disabled => "disabled account",
            Self::Slower => "2 % more work",
        }
    }

    /// All of one length, so that bodies differ in nothing but letters; no two log-ins name
    /// the same address that has no account.
    fn email(self, round: usize) -> String {
        let name = match self {
            Self::Unknown => return format!("n{round:06}@example.com"),
            Self::Wrong => "account",
            Self::WrongAgain => "another",
            Self::Disabled => "disable",
            Self::Slower => "slowest",
        };
        format!("{name}@example.com")
    }
}

impl Enumeration {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let binary = match &self.server {
            Some(path) => path.clone(),
            None => build::release()?,
        };
        let samples = self.measure(&Site::new(binary)?)?;
        let pairs = compare(&samples);
        print(&samples, &pairs);
        self.write(&samples, &pairs)?;
        judge(&samples, &pairs).map(|()| ExitCode::SUCCESS)
    }

    fn measure(&self, site: &Site) -> Result<Vec<Sample>> {
        for kind in [Kind::Wrong, Kind::WrongAgain, Kind::Disabled] {
            site.create(&kind.email(0), "a long walk along the sea", self.iterations)?;
        }
        let more = self.iterations + self.iterations / 50;
        site.create(&Kind::Slower.email(0), "a long walk along the sea", more)?;
        site.disable(&Kind::Disabled.email(0))?;
        let server = site.start(self.iterations)?;
        let mut client = Client::connect(&server.address)?;
        let mut samples = KINDS.map(Sample::of);
        let mut order: Vec<_> = (0..KINDS.len()).collect();
        // The first rounds are for caches and clocks to settle, and do not count.
        for round in 0..self.rounds + WARM_UP {
            fastrand::shuffle(&mut order);
            for at in &order {
                samples[*at].add(&mut client, round)?;
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

const WARM_UP: usize = 20;

impl Sample {
    const fn of(kind: Kind) -> Self {
        Self { kind, answer: None, times: Vec::new() }
    }

    fn add(&mut self, client: &mut Client, round: usize) -> Result<()> {
        let body = json!({"email": self.kind.email(round), "password": "not the password at all"});
        let (answer, time) = client.post("/api/token", &body.to_string())?;
        let first = self.answer.get_or_insert_with(|| answer.clone());
        if *first != answer {
            bail!("{}: two answers differ: {first:?} and {answer:?}", self.kind.name());
        }
        if round >= WARM_UP {
            self.times.push(time);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_are_of_one_length() {
        for kind in KINDS {
            assert_eq!(kind.email(1_234).len(), "account@example.com".len());
        }
    }
}
