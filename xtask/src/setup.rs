//! Checks that the machine has the tools that cargo needs, and installs some of them.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::apt::Requirement;
use crate::process::{cargo, run_to_stderr, rustc, step, succeeds};
use crate::workspace::WASM;

const CURL: Requirement = Requirement { name: "curl", packages: &["curl"] };
const CXX_COMPILER: Requirement = Requirement { name: "a C++ compiler", packages: &["g++"] };

/// Adds the standard library of the SPA's target if it is missing.
pub(crate) fn wasm_target() -> Result<()> {
    if has_wasm_target()? {
        return Ok(());
    }
    if !has_rustup() {
        bail!(
            "the standard library for {WASM} is missing, and there is no rustup to add it: \
             install it with your package manager, or install rustup"
        );
    }
    step(&format!("adding the target {WASM}"), || {
        run_to_stderr(Command::new("rustup").args(["target", "add", WASM]))
    })
}

/// Returns whether the target is installed. Asks rustc, because Rust may be installed without
/// rustup.
fn has_wasm_target() -> Result<bool> {
    let output = rustc(["--print", "target-libdir", "--target", WASM])
        .output()
        .context("rustc could not be started")?;
    let directory = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(directory.trim()).is_dir())
}

/// Adds a component of the toolchain if its cargo subcommand (`fmt`, `clippy`) is missing.
pub(crate) fn component(subcommand: &str, component: &str) -> Result<()> {
    if succeeds(&mut cargo([subcommand, "--version"])) {
        return Ok(());
    }
    if !has_rustup() {
        bail!(
            "`cargo {subcommand}` is missing, and there is no rustup to add it: \
             install {component} with your package manager, or install rustup"
        );
    }
    step(&format!("adding the component {component}"), || {
        run_to_stderr(Command::new("rustup").args(["component", "add", component]))
    })
}

fn has_rustup() -> bool {
    succeeds(Command::new("rustup").arg("--version"))
}

/// Fails if there is no C compiler. SQLite and the cryptographic library need one. Without this
/// check, the error would be hard to find in the output of the build.
pub(crate) fn c_compiler() -> Result<()> {
    let compiler = Compiler::from_env("CC", "cc");
    if compiler.is_installed() {
        return Ok(());
    }
    bail!(
        "a C compiler is missing (`{}` does not run): install one, for example with \
         `apt-get install gcc libc6-dev` or `xcode-select --install`, or set CC to its path",
        compiler.program
    )
}

/// Finds or installs a C++ compiler, which libFuzzer needs.
pub(crate) fn cxx_compiler() -> Result<()> {
    let compiler = Compiler::from_env("CXX", "c++");
    let help = format!(
        "a C++ compiler is missing (`{}` does not run): install one, for example with \
         `apt-get install g++` or `xcode-select --install`, or set CXX to its path",
        compiler.program
    );
    CXX_COMPILER.ensure(|| compiler.is_installed(), &help)
}

/// Finds or installs curl, which the samples for the HTTP API use.
pub(crate) fn curl() -> Result<()> {
    CURL.ensure(
        || succeeds(Command::new("curl").arg("--version")),
        "curl is missing: install it, for example with `apt-get install curl`",
    )
}

struct Compiler {
    program: String,
    args: Vec<String>,
}

impl Compiler {
    /// Reads a command with its arguments from an environment variable, or uses the default
    /// command.
    fn from_env(variable: &str, default: &str) -> Self {
        let command = env::var(variable).unwrap_or_default();
        let mut words = command.split_whitespace().map(str::to_owned);
        let program = words.next().unwrap_or_else(|| default.to_owned());
        Self { program, args: words.collect() }
    }

    fn is_installed(&self) -> bool {
        succeeds(Command::new(&self.program).args(&self.args).arg("--version"))
    }
}
