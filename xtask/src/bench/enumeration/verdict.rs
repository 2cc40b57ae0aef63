//! What the times and the answers come to.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{Kind, Sample};
use crate::bench::statistics::{Comparison, mann_whitney, median};

/// By chance, two samples of one distribution come out further apart than this once in a
/// thousand times.
const SIGNIFICANT: f64 = 0.001;

/// How far from a half the AUC must be besides, so that many rounds do not find what nobody
/// can use. With 2,000 rounds, chance alone has a deviation of 0.009. On a machine with six
/// times as much to do as it has cores, two accounts of one kind came to 0.014 at most, and
/// 2 % more work to 0.06 at least.
const EFFECT: f64 = 0.04;

/// Two kinds of log-in and how far apart they are.
pub(super) struct Pair {
    first: Kind,
    second: Kind,
    ratio: f64,
    found: Comparison,
}

pub(super) fn compare(samples: &[Sample]) -> Vec<Pair> {
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

    pub(super) fn json(&self) -> Value {
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

pub(super) fn print(samples: &[Sample], pairs: &[Pair]) {
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

pub(super) fn judge(samples: &[Sample], pairs: &[Pair]) -> Result<()> {
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
    use super::super::KINDS;
    use super::*;
    use crate::bench::client::Answer;

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
}
