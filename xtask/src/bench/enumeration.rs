//! `cargo xtask bench enumeration`: whether a refused log-in tells which addresses have
//! accounts, by what it answers or by how long it takes.
//!
//! Log-ins of several kinds are sent over one connection in random order, and every two
//! kinds are compared by the Mann-Whitney U test, which asks nothing of how the times are
//! distributed. Two kinds are there to measure the measurement: a second account of the
//! same kind as the first, which must not be told from it, and one whose hash takes 2 % more
//! work, which must be.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::server::Site;
use super::statistics::{Comparison, mann_whitney, median};
use crate::{build, workspace};

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

/// By chance, two samples of one distribution come out further apart than this once in a
/// thousand times.
const SIGNIFICANT: f64 = 0.001;

/// How far from a half the AUC must be besides, so that many rounds do not find what nobody
/// can use. With 2,000 rounds, chance alone has a deviation of 0.009. On a machine with six
/// times as much to do as it has cores, two accounts of one kind came to 0.014 at most, and
/// 2 % more work to 0.06 at least.
const EFFECT: f64 = 0.04;

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

struct Pair {
    first: Kind,
    second: Kind,
    ratio: f64,
    found: Comparison,
}

fn compare(samples: &[Sample]) -> Vec<Pair> {
    let pair = |first: &Sample, second: &Sample| Pair {
        first: first.kind,
        second: second.kind,
        ratio: median(&first.times) / median(&second.times),
        found: mann_whitney(&first.times, &second.times),
    };
    let all = samples.iter().enumerate();
    all.flat_map(|(at, first)| samples[at + 1..].iter().map(move |second| pair(first, second)))
        .collect()
}

impl Pair {
    /// What is too unlikely for chance and large enough to be of use.
    fn differs(&self) -> bool {
        self.found.p < SIGNIFICANT && (self.found.auc - 0.5).abs() > EFFECT
    }

    fn is_planted(&self) -> bool {
        [self.first, self.second].contains(&Kind::Slower)
    }

    fn json(&self) -> Value {
        json!({
            "first": self.first.name(),
            "second": self.second.name(),
            "ratio": self.ratio,
            "u": self.found.u,
            "p": self.found.p,
            "auc": self.found.auc,
            "differs": self.differs(),
        })
    }
}

fn print(samples: &[Sample], pairs: &[Pair]) {
    println!("{:<18} {:>6} {:>10}", "log-in", "n", "median ms");
    for Sample { kind, times, .. } in samples {
        println!("{:<18} {:>6} {:>10.3}", kind.name(), times.len(), median(times));
    }
    println!("\n{:<37} {:>7} {:>9} {:>9} {:>6}", "pair", "ratio", "U", "p", "AUC");
    for pair in pairs {
        let names = format!("{} / {}", pair.first.name(), pair.second.name());
        let Comparison { u, p, auc } = pair.found;
        let verdict = if pair.differs() { "  differ" } else { "" };
        println!("{names:<37} {:>7.4} {u:>9.0} {p:>9.2e} {auc:>6.3}{verdict}", pair.ratio);
    }
}

fn judge(samples: &[Sample], pairs: &[Pair]) -> Result<()> {
    for sample in &samples[1..] {
        if sample.answer != samples[0].answer {
            let kinds = [samples[0].kind.name(), sample.kind.name()].join(" and ");
            bail!("{kinds} are answered differently: {:?}, {:?}", samples[0].answer, sample.answer);
        }
    }
    let leak = pairs.iter().find(|pair| pair.differs() && !pair.is_planted());
    if let Some(Pair { first, second, .. }) = leak {
        bail!("{} and {} can be told apart by the time", first.name(), second.name());
    }
    if !pairs.iter().filter(|pair| pair.is_planted()).all(Pair::differs) {
        bail!("2 % more work was not seen: the machine is too busy, or --rounds too few");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times around 7 ms that scatter by a twentieth, the second kind's longer by a factor.
    fn samples(factor: f64) -> Vec<Sample> {
        let mut random = fastrand::Rng::with_seed(7);
        let sample = |kind| {
            let longer = match kind {
                Kind::Wrong => factor,
                Kind::Slower => 1.02,
                _ => 1.0,
            };
            let time = |_| longer * 7.0 * (1.0 + 0.05 * (random.f64() - 0.5));
            Sample { kind, answer: None, times: (0..1_000).map(time).collect() }
        };
        KINDS.map(sample).into()
    }

    fn verdict(samples: &[Sample]) -> Result<(), String> {
        judge(samples, &compare(samples)).map_err(|error| error.to_string())
    }

    #[test]
    fn what_takes_the_same_time_passes() {
        assert_eq!(verdict(&samples(1.0)), Ok(()));
    }

    #[test]
    fn one_per_cent_more_or_less_and_no_work_at_all_are_seen() {
        for factor in [1.01, 0.99, 0.02] {
            assert!(verdict(&samples(factor)).unwrap_err().contains("can be told apart"));
        }
    }

    #[test]
    fn a_run_that_cannot_see_says_so() {
        let mut samples = samples(1.0);
        samples[4].times = samples[3].times.clone();
        assert!(verdict(&samples).unwrap_err().contains("was not seen"));
    }

    #[test]
    fn another_answer_is_told_apart_at_once() {
        let mut samples = samples(1.0);
        let answer = |body: &str| Some(Answer { head: Vec::new(), body: body.to_owned() });
        for sample in &mut samples {
            sample.answer = answer("refused");
        }
        assert_eq!(verdict(&samples), Ok(()));
        samples[3].answer = answer("disabled");
        assert!(verdict(&samples).unwrap_err().contains("answered differently"));
    }

    #[test]
    fn all_addresses_are_of_one_length() {
        for kind in KINDS {
            assert_eq!(kind.email(1_234).len(), "account@example.com".len());
        }
    }
}
