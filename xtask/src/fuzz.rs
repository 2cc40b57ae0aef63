//! `cargo xtask fuzz`: fuzzes the parsers with libFuzzer.
//!
//! Coverage guides the fuzzer. No sanitizer is used, because sanitizers find little in code without
//! `unsafe`. A sanitizer would also need a nightly toolchain, but the compiler pass that measures
//! coverage does not.

use std::fs::{self, File};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ScopedJoinHandle};

use anyhow::{Context as _, Result, anyhow, bail};

use crate::process::{self, cargo, rustc, step};
use crate::{setup, workspace};

/// The compiler options of `cargo fuzz`, without the sanitizer.
const RUSTFLAGS: [&str; 6] = [
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
];

/// Fuzzes the parsers.
#[derive(clap::Args)]
pub(crate) struct Fuzz {
    /// Fuzz only these targets
    targets: Vec<String>,
    /// How many seconds to fuzz each target
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// The fuzzer binary, and the directory for its corpus and findings.
struct Fuzzer {
    binary: PathBuf,
    directory: PathBuf,
    limits: Limits,
}

/// The time limits, in seconds.
#[derive(Clone, Copy)]
struct Limits {
    /// How long each target is fuzzed.
    target: u32,
    /// How long one input may take. A longer one is a finding.
    input: u32,
}

impl Fuzz {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let known = targets()?;
        if let Some(unknown) = self.targets.iter().find(|name| !known.contains(name)) {
            bail!("there is no target {unknown}; the targets are {}", known.join(", "));
        }
        let chosen = if self.targets.is_empty() { known } else { self.targets };
        run(&chosen, Limits { target: self.seconds, input: 10 }).map(|()| ExitCode::SUCCESS)
    }
}

/// Builds the fuzz targets with one job, so that a build at the same time has the other cores.
pub(crate) fn build_with_one_job() -> Result<()> {
    build(&["--jobs", "1"]).map(drop)
}

/// Fuzzes each target for a few seconds, as a step of `cargo xtask ci`. An input may take longer,
/// because the machine may be paused for some seconds.
pub(crate) fn smoke_test() -> Result<()> {
    run(&targets()?, Limits { target: 3, input: 60 })
}

fn run(targets: &[String], limits: Limits) -> Result<()> {
    let fuzzer = Fuzzer { binary: build(&[])?, directory: directory()?, limits };
    let next = AtomicUsize::new(0);
    // Each worker fuzzes one target at a time.
    let work = || -> Result<Vec<String>> {
        let mut findings = Vec::new();
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            findings.extend(fuzzer.run(target)?);
        }
        Ok(findings)
    };
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let results: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(ScopedJoinHandle::join).collect()
    });
    let mut findings = Vec::new();
    for result in results {
        findings.extend(result.map_err(|_| anyhow!("a worker panicked"))??);
    }
    if !findings.is_empty() {
        bail!("{} of {} targets failed:\n{}", findings.len(), targets.len(), findings.join("\n"));
    }
    Ok(())
}

/// Returns the names of the targets. Each has a directory in the corpus.
fn targets() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(workspace::root().join(CORPUS))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

const CORPUS: &str = "crates/fuzz/corpus";
const DICTIONARY: &str = "crates/fuzz/dictionary";

/// Builds the fuzz targets in their own target directory, because the compiler options of every
/// crate differ from those of a normal build. Because of `--target`, these options do not apply to
/// build scripts and procedural macros. Returns the path of the binary.
fn build(args: &[&str]) -> Result<PathBuf> {
    setup::c_compiler()?;
    setup::cxx_compiler()?;
    let directory = directory()?;
    let host = host()?;
    let mut build = cargo(["build", "--package", "fuzz", "--profile", "fuzz"]);
    build.args(["--target", &host, "--target-dir"]).arg(&directory).args(args);
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", RUSTFLAGS.join(" "));
    step("building the fuzz targets", || process::run(&mut build))?;
    Ok(directory.join(host).join("fuzz").join("fuzz"))
}

/// Returns the target directory of the fuzz build.
fn directory() -> Result<PathBuf> {
    Ok(workspace::target_dir()?.join("fuzz"))
}

impl Fuzzer {
    /// Fuzzes one target. Returns a description of the finding, if any, and how to reproduce it.
    fn run(&self, target: &str) -> Result<Option<String>> {
        let corpus = self.directory.join("corpus").join(target);
        let findings = self.directory.join("findings").join(target);
        let log = self.directory.join(format!("{target}.log"));
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&findings)?;
        let before = files(&findings)?;
        let output = File::create(&log)?;
        let status = Command::new(&self.binary)
            .arg(format!("-max_total_time={}", self.limits.target))
            .arg(format!("-timeout={}", self.limits.input))
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .arg(format!("-dict={}", workspace::root().join(DICTIONARY).display()))
            .args(["-rss_limit_mb=2048", "-use_value_profile=1", "-reload=0"])
            .args([&corpus, &workspace::root().join(CORPUS).join(target)])
            .env("FUZZ_TARGET", target)
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .status()
            .with_context(|| format!("{} could not be started", self.binary.display()))?;
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        if status.success() {
            println!("{target:<16} {}", summary(&text));
            return Ok(None);
        }
        let new = files(&findings)?.into_iter().find(|path| !before.contains(path));
        Ok(Some(describe(target, new.as_deref(), &log)))
    }
}

/// Returns the target triple of this machine.
fn host() -> Result<String> {
    let output = rustc(["--print", "host-tuple"]).output().context("rustc could not be started")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

/// Formats the last status line of libFuzzer: `#7 DONE cov: 12 ft: 34 corp: 5/678b …`.
fn summary(log: &str) -> String {
    let line = log.lines().rev().find(|line| line.contains("DONE"));
    let words: Vec<_> = line.unwrap_or_default().split_whitespace().collect();
    let after = |name: &str| {
        let at = words.iter().position(|word| *word == name);
        at.and_then(|at| words.get(at + 1)).copied().unwrap_or("?")
    };
    let runs = words.first().map_or("?", |word| word.trim_start_matches('#'));
    let (cov, ft, corp) = (after("cov:"), after("ft:"), after("corp:"));
    format!("{runs:>9} runs, {cov:>5} edges, {ft:>6} features, corpus of {corp}")
}

fn describe(target: &str, input: Option<&Path>, log: &Path) -> String {
    let log = log.display();
    match input {
        Some(input) => {
            let input = input.display();
            format!(
                "{target}: {input}\n  reproduce: cargo run -p fuzz -- {target} {input}\n  log: {log}"
            )
        }
        None => format!("{target}: the fuzzer failed but reported no input; log: {log}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_from_the_last_status_line() {
        let log = "#2 INITED cov: 1 ft: 2 corp: 1/1b\n\
                   #4096 DONE   cov: 120 ft: 345 corp: 67/890b lim: 4096 exec/s: 9 rss: 30Mb\n\
                   Done 4096 runs in 5 second(s)\n";
        assert_eq!(summary(log), "     4096 runs,   120 edges,    345 features, corpus of 67/890b");
        assert_eq!(summary(""), "        ? runs,     ? edges,      ? features, corpus of ?");
    }

    #[test]
    fn a_finding_says_how_to_reproduce_it() {
        let text = describe("email", Some(Path::new("/t/crash-1")), Path::new("/t/email.log"));
        assert!(text.contains("cargo run -p fuzz -- email /t/crash-1"), "{text}");
    }

    #[test]
    fn the_targets_are_the_directories_of_the_corpus() {
        assert!(targets().unwrap().iter().any(|name| name == "email"));
    }
}
