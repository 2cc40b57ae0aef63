//! `cargo xtask ci`: the checks that a change must pass before it lands.

mod browser;
mod crate_counts;
mod cycles;
mod deny;
mod deploy;
mod deps;
mod foreign_types;
mod line_width;
mod links;
mod named_tests;
mod package;
mod samples;
mod step;
mod test_run;

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum as _;

use self::step::{Artifacts, Step};

/// Runs checks and prints a summary.
#[derive(clap::Args)]
pub(crate) struct Ci {
    /// List the steps and exit
    #[arg(long, exclusive = true)]
    list: bool,
    /// Run only these steps
    steps: Vec<Step>,
}

/// The outcome of a step.
enum StepOutcome {
    Passed,
    Failed(anyhow::Error),
    /// Not run, because an earlier step that it depends on has failed.
    Skipped,
}

/// A step in the summary.
struct StepReport {
    step: Step,
    outcome: StepOutcome,
    duration: Duration,
}

impl Ci {
    /// Runs the steps. A failure does not stop the other steps, so that all problems are reported.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        if self.list {
            let mut stdout = io::stdout();
            let width = name_width();
            for step in Step::value_variants() {
                writeln!(stdout, "{:<width$} {}", step.name(), step.description())?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let steps = if self.steps.is_empty() { Step::value_variants() } else { &self.steps };
        let mut artifacts = Artifacts::default();
        let mut reports = Vec::new();
        for step in steps {
            let report = run_step(*step, &mut artifacts, &reports);
            reports.push(report);
        }
        Ok(print_summary(&reports))
    }
}

fn run_step(step: Step, artifacts: &mut Artifacts, earlier: &[StepReport]) -> StepReport {
    let started = Instant::now();
    let outcome = if is_blocked(step, earlier) {
        StepOutcome::Skipped
    } else {
        eprintln!("\n==== {} ====", step.name());
        step.check(artifacts).map_or_else(StepOutcome::Failed, |()| StepOutcome::Passed)
    };
    if let StepOutcome::Failed(error) = &outcome {
        eprintln!("error: {error:#}");
    }
    StepReport { step, outcome, duration: started.elapsed() }
}

/// Returns `true` if a step needs the release build, and the release build has failed.
fn is_blocked(step: Step, earlier: &[StepReport]) -> bool {
    step.needs_build()
        && earlier.iter().any(|report| {
            report.step == Step::Build && matches!(report.outcome, StepOutcome::Failed(_))
        })
}

/// Returns the length of the longest name of a step.
fn name_width() -> usize {
    Step::value_variants().iter().map(|step| step.name().len()).max().unwrap_or_default()
}

fn print_summary(reports: &[StepReport]) -> ExitCode {
    let width = name_width();
    println!("\n{:<width$} result    seconds", "step");
    for StepReport { step, outcome, duration } in reports {
        let result = match outcome {
            StepOutcome::Passed => "ok",
            StepOutcome::Failed(_) => "FAILED",
            StepOutcome::Skipped => "skipped",
        };
        println!("{:<width$} {result:<8} {:>8.1}", step.name(), duration.as_secs_f32());
    }
    for StepReport { step, outcome, .. } in reports {
        if let StepOutcome::Failed(error) = outcome {
            println!("{}: {error:#}", step.name());
        }
    }
    let passed = reports.iter().all(|report| matches!(report.outcome, StepOutcome::Passed));
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(step: Step, outcome: StepOutcome) -> StepReport {
        StepReport { step, outcome, duration: Duration::ZERO }
    }

    #[test]
    fn a_failed_build_blocks_only_the_steps_that_need_it() {
        let failed = [report(Step::Build, StepOutcome::Failed(anyhow::anyhow!("broken")))];
        assert!(is_blocked(Step::E2e, &failed));
        assert!(!is_blocked(Step::Docs, &failed));
        assert!(!is_blocked(Step::E2e, &[report(Step::Build, StepOutcome::Passed)]));
    }

    #[test]
    fn one_failed_step_fails_the_run() {
        let passed = || report(Step::Fmt, StepOutcome::Passed);
        let failed = report(Step::Lint, StepOutcome::Failed(anyhow::anyhow!("a warning")));
        assert_eq!(print_summary(&[passed(), passed()]), ExitCode::SUCCESS);
        assert_eq!(print_summary(&[passed(), failed, passed()]), ExitCode::FAILURE);
    }

    #[test]
    fn every_step_has_a_name_and_a_description() {
        for step in Step::value_variants() {
            assert!(!step.name().is_empty());
            assert!(!step.description().is_empty(), "{}", step.name());
        }
    }
}
