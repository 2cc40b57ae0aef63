//! `cargo xtask ci`: everything that must hold before a change lands.

mod browser;
mod crate_counts;
mod cycles;
mod deny;
mod deps;

mod links;
mod named_tests;
mod samples;

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ValueEnum;

use crate::process::{cargo, run};
use crate::public_api::LIBRARIES;
use crate::workspace::{self, WASM};
use crate::{build, fuzz, openapi, public_api, setup, web};

/// Runs checks and sums them up.
#[derive(clap::Args)]
pub(crate) struct Ci {
    /// Only these steps
    steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    /// Formatting
    Fmt,
    /// Who may depend on whom, and under which licences
    Deps,
    /// Clippy, for the machine and for the browser
    Lint,
    /// Unit, integration and documentation tests
    Test,
    /// The crates' documentation, and the links, the samples and the evidence in ours
    Docs,
    /// Whether the crates that others use can be packed, and build from what is packed
    Package,
    /// The SPA and the release binary
    Build,
    /// The SPA's size against its budget
    Size,
    /// The OpenAPI document against the release binary
    Openapi,
    /// A few seconds of fuzzing for each target
    Fuzz,
    /// The release binary in a real browser
    E2e,
}

enum Verdict {
    Passed,
    Failed(anyhow::Error),
    Skipped,
}

struct Outcome {
    step: Step,
    verdict: Verdict,
    time: Duration,
}

impl Ci {
    /// A failure does not end the run: what else is wrong is worth knowing as well.
    pub(crate) fn run(&self) -> Result<ExitCode> {
        let steps = if self.steps.is_empty() { Step::value_variants() } else { &self.steps };
        // The server embeds this directory, and does not compile where there is none.
        fs::create_dir_all(workspace::web_dist())?;
        let mut outcomes = Vec::new();
        for step in steps {
            let outcome = step.run(&outcomes);
            outcomes.push(outcome);
        }
        Ok(sum_up(&outcomes))
    }
}

impl Step {
    fn run(self, before: &[Outcome]) -> Outcome {
        let started = Instant::now();
        let verdict = if self.is_pointless_after(before) {
            Verdict::Skipped
        } else {
            eprintln!("\n==== {} ====", self.name());
            self.check().map_or_else(Verdict::Failed, |()| Verdict::Passed)
        };
        if let Verdict::Failed(error) = &verdict {
            eprintln!("error: {error:#}");
        }
        Outcome { step: self, verdict, time: started.elapsed() }
    }

    /// What needs a build has nothing to say after the build has failed.
    fn is_pointless_after(self, before: &[Outcome]) -> bool {
        let build_failed = || {
            let failed = |outcome: &Outcome| matches!(outcome.verdict, Verdict::Failed(_));
            before.iter().any(|outcome| outcome.step == Self::Build && failed(outcome))
        };
        matches!(self, Self::Size | Self::Openapi | Self::E2e) && build_failed()
    }

    fn check(self) -> Result<()> {
        match self {
            Self::Fmt => fmt(),
            Self::Deps => deps::check(),
            Self::Lint => lint(),
            Self::Test => test(),
            Self::Docs => docs(),
            Self::Build => build::release().map(drop),
            Self::Package => package(),
            Self::Size => size(),
            Self::Openapi => openapi::check(build::release()?),
            Self::Fuzz => fuzz::look_briefly(),
            Self::E2e => e2e(),
        }
    }

    fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

fn fmt() -> Result<()> {
    setup::component("fmt", "rustfmt")?;
    run(&mut cargo(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    setup::component("clippy", "clippy")?;
    setup::c_compiler()?;
    setup::wasm_target()?;
    let deny = ["--", "-D", "warnings"];
    run(cargo(["clippy", "--workspace", "--all-targets", "--all-features"]).args(deny))?;
    for (package, features) in PARTS {
        let part = ["--package", package, "--no-default-features", "--features", features];
        run(cargo(["clippy"]).args(part).args(deny))?;
    }
    run(cargo(["clippy", "--package", "web", "--target", WASM]).args(deny))
}

/// The features that somebody may want alone, of crates that can be had in parts.
const PARTS: [(&str, &str); 13] = [
    ("auth-core", ""),
    ("auth-core", "credentials"),
    ("auth-core", "hash"),
    ("auth-core", "foreign-argon2"),
    ("auth-core", "foreign-bcrypt"),
    ("auth-core", "foreign-firebase"),
    ("auth-core", "foreign-pbkdf2"),
    ("auth-core", "foreign-scrypt"),
    ("auth-core", "verify"),
    ("auth-core", "token"),
    ("user-store", ""),
    ("accounts", ""),
    ("api", ""),
];

/// Beside the tests of everything, those of the vocabulary that the browser shares (not
/// the examples: they show the whole crate).
fn test() -> Result<()> {
    setup::c_compiler()?;
    setup::curl()?;
    setup::wasm_target()?;
    let vocabulary = ["--package", "auth-core", "--no-default-features"];
    run(&mut cargo(["test", "--workspace", "--all-features"]))?;
    run(cargo(["test", "--lib", "--tests"]).args(vocabulary))?;
    // As an app has it that is built to be debugged, where another library hashes.
    let unoptimized = ["--config", "profile.dev.package.auth-core.opt-level=0"];
    let hashes = ["--package", "auth-core", "--all-features", "--test", "it", "--", "hash::"];
    run(cargo(["test"]).args(unoptimized).args(hashes))?;
    run(cargo(["check", "--target", WASM]).args(vocabulary))
}

fn docs() -> Result<()> {
    setup::c_compiler()?;
    links::check(&workspace::root())?;
    named_tests::check(&workspace::root())?;
    samples::check(&workspace::root())?;
    run(cargo(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    public_api::check()
}

/// What is packed is compiled with nothing around it, as somebody has it who depends on it.
fn package() -> Result<()> {
    setup::c_compiler()?;
    let packages = LIBRARIES.iter().flat_map(|name| ["--package", name]);
    run(cargo(["package", "--allow-dirty", "--quiet"]).args(packages))
}

fn size() -> Result<()> {
    web::build()?;
    let report = web::size::Report::of(&workspace::web_dist())?;
    report.print();
    report.check()
}

/// What is not there yet is built; the browser is looked for first, as it may be missing.
fn e2e() -> Result<()> {
    let browser = browser::find_or_install()?;
    let server = build::release()?;
    // The whole workspace with all features, as in `test`: what was compiled there serves.
    let tests = ["test", "--workspace", "--all-features", "--test", "e2e"];
    run(cargo(tests)
        .args(["--", "--test-threads=2"])
        .env("E2E_SERVER", server)
        .env("E2E_CHROMIUM", browser.chromium)
        .env("E2E_CHROMEDRIVER", browser.chromedriver))
}

fn sum_up(outcomes: &[Outcome]) -> ExitCode {
    println!("\nstep    result    seconds");
    for Outcome { step, verdict, time } in outcomes {
        let result = match verdict {
            Verdict::Passed => "ok",
            Verdict::Failed(_) => "FAILED",
            Verdict::Skipped => "skipped",
        };
        println!("{:<7} {result:<8} {:>8.1}", step.name(), time.as_secs_f32());
    }
    for Outcome { step, verdict, .. } in outcomes {
        if let Verdict::Failed(error) = verdict {
            println!("{}: {error:#}", step.name());
        }
    }
    let passed = outcomes.iter().all(|outcome| matches!(outcome.verdict, Verdict::Passed));
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(step: Step, verdict: Verdict) -> Outcome {
        Outcome { step, verdict, time: Duration::ZERO }
    }

    #[test]
    fn after_a_failed_build_what_needs_it_is_skipped() {
        let failed = [outcome(Step::Build, Verdict::Failed(anyhow::anyhow!("broken")))];
        assert!(Step::E2e.is_pointless_after(&failed));
        assert!(!Step::Docs.is_pointless_after(&failed));
        assert!(!Step::E2e.is_pointless_after(&[outcome(Step::Build, Verdict::Passed)]));
    }

    #[test]
    fn one_failure_fails_the_run() {
        let passed = || outcome(Step::Fmt, Verdict::Passed);
        let failed = outcome(Step::Lint, Verdict::Failed(anyhow::anyhow!("a warning")));
        assert_eq!(sum_up(&[passed(), passed()]), ExitCode::SUCCESS);
        assert_eq!(sum_up(&[passed(), failed, passed()]), ExitCode::FAILURE);
    }
}
