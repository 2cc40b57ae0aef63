//! Compares the samples and decides whether the run passes.

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::sample::{Control, Sample};
use super::scenario::Scenario;
use crate::bench::statistics::{Comparison, mann_whitney, median};

/// The significance level: for two samples from the same distribution, the p-value is below it in
/// one of a thousand runs.
const SIGNIFICANCE: f64 = 0.001;

/// The minimum distance of the AUC from 0.5. A smaller difference is ignored, because it is too
/// small to exploit even if many rounds make it significant.
///
/// With 2,000 rounds, the AUC of two samples from the same distribution has a standard deviation of
/// 0.009. On a machine with a load of six per core, the distance was at most 0.014 for two accounts
/// of the same kind, and at least 0.06 for 2 % more work.
const MIN_EFFECT: f64 = 0.04;

/// Two kinds of request and their comparison.
pub(super) struct Pair {
    first: &'static str,
    second: &'static str,
    /// The reason why the pair must differ, if it must.
    control: Option<Control>,
    /// The ratio of the medians.
    ratio: f64,
    comparison: Comparison,
}

/// Compares each pair of samples.
pub(super) fn compare(samples: &[Sample]) -> Vec<Pair> {
    let pair = |first: &Sample, second: &Sample| Pair {
        first: first.name,
        second: second.name,
        control: first.control.or(second.control),
        ratio: median(&first.times) / median(&second.times),
        comparison: mann_whitney(&first.times, &second.times),
    };
    let all = samples.iter().enumerate();
    all.flat_map(|(at, first)| samples[at + 1..].iter().map(move |second| pair(first, second)))
        .collect()
}

impl Pair {
    /// Returns whether the difference is significant and large enough to exploit.
    fn differs(&self) -> bool {
        self.comparison.p < SIGNIFICANCE && (self.comparison.auc - 0.5).abs() > MIN_EFFECT
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "first": self.first,
            "second": self.second,
            "ratio": self.ratio,
            "u": self.comparison.u,
            "p": self.comparison.p,
            "auc": self.comparison.auc,
            "differs": self.differs(),
        })
    }
}

pub(super) fn print(samples: &[Sample], pairs: &[Pair]) {
    println!("{:<18} {:>6} {:>10}", "kind", "n", "median ms");
    for Sample { name, times, .. } in samples {
        println!("{:<18} {:>6} {:>10.3}", name, times.len(), median(times));
    }
    println!("\n{:<37} {:>7} {:>9} {:>9} {:>6}", "pair", "ratio", "U", "p", "AUC");
    for pair in pairs {
        let names = format!("{} / {}", pair.first, pair.second);
        let Comparison { u, p, auc } = pair.comparison;
        let verdict = if pair.differs() { "  differ" } else { "" };
        println!("{names:<37} {:>7.4} {u:>9.0} {p:>9.2e} {auc:>6.3}{verdict}", pair.ratio);
    }
}

/// Fails if the responses to two kinds differ, if the response times of two kinds other than a
/// control differ, or if those of a control do not differ from the others.
///
/// With several connections, requests wait for each other, so a control may not be detected.
pub(super) fn judge(scenario: &Scenario, samples: &[Sample], pairs: &[Pair]) -> Result<()> {
    for sample in &samples[1..] {
        if sample.response != samples[0].response {
            let kinds = [samples[0].name, sample.name].join(" and ");
            bail!(
                "{kinds} have different responses: {:?}, {:?}",
                samples[0].response,
                sample.response
            );
        }
    }
    let leak = pairs.iter().find(|pair| pair.differs() && pair.control.is_none());
    if let Some(Pair { first, second, .. }) = leak {
        bail!("{first} and {second} differ in response time");
    }
    let is_detected = pairs.iter().filter(|pair| pair.control.is_some()).all(Pair::differs);
    if !is_detected && scenario.connections == 1 {
        bail!("the control was not detected: the machine is too busy, or --rounds is too low");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::sample::Emails;
    use super::super::scenario::SCENARIOS;
    use super::*;
    use crate::bench::client::Response;

    /// Returns times around 7 ms that vary by 5 %. Those for wrong passwords are multiplied by
    /// `factor`. The last sample is the control.
    fn samples(factor: f64) -> Vec<Sample> {
        let mut random = fastrand::Rng::with_seed(7);
        let kinds = [("unknown", 1.0), ("wrong", factor), ("another", 1.0), ("slower", 1.02)];
        let sample = |(name, factor): (&'static str, f64)| {
            let time = |_| factor * 7.0 * (1.0 + 0.05 * (random.f64() - 0.5));
            let control = (name == "slower").then_some(Control::MoreWork);
            let times = (0..1_000).map(time).collect();
            Sample { times, control, ..Sample::new(name, Emails::fresh()) }
        };
        kinds.map(sample).into()
    }

    fn verdict(samples: &[Sample]) -> Result<(), String> {
        judge(&SCENARIOS[0], samples, &compare(samples)).map_err(|error| error.to_string())
    }

    #[test]
    fn equal_times_pass() {
        assert_eq!(verdict(&samples(1.0)), Ok(()));
    }

    #[test]
    fn a_difference_of_one_per_cent_and_missing_work_are_found() {
        for factor in [1.01, 0.99, 0.02] {
            assert!(verdict(&samples(factor)).unwrap_err().contains("differ in response time"));
        }
    }

    #[test]
    fn a_run_that_does_not_detect_the_control_fails() {
        let mut samples = samples(1.0);
        samples[3].times = samples[2].times.clone();
        assert!(verdict(&samples).unwrap_err().contains("was not detected"));
        let pairs = compare(&samples);
        let concurrent = SCENARIOS.iter().find(|scenario| scenario.connections > 1).unwrap();
        assert!(judge(concurrent, &samples, &pairs).is_ok());
    }

    #[test]
    fn a_different_response_fails() {
        let mut samples = samples(1.0);
        let response = |body: &str| Some(Response { head: Vec::new(), body: body.to_owned() });
        for sample in &mut samples {
            sample.response = response("rejected");
        }
        assert_eq!(verdict(&samples), Ok(()));
        samples[2].response = response("disabled");
        assert!(verdict(&samples).unwrap_err().contains("different responses"));
    }
}
