//! What must be on the machine before cargo can work, installed where that is possible.

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
            "this Rust has no standard library for {WASM}, and there is no rustup to add it: \
             install it with your package manager, or install rustup"
        );
    }
    step(&format!("adding the target {WASM}"), || {
        run_to_stderr(Command::new("rustup").args(["target", "add", WASM]))
    })
}

/// Asks rustc, because Rust may be installed without rustup.
fn has_wasm_target() -> Result<bool> {
    let output = rustc(["--print", "target-libdir", "--target", WASM])
        .output()
        .context("rustc could not be started")?;
    let directory = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(directory.trim()).is_dir())
}

/// Adds a component of the toolchain if its cargo subcommand is missing: `fmt`, `clippy`.
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

/// Fails if there is no C compiler. SQLite and the cryptography need one, and in the output of a
/// build the error is hard to find.
pub(crate) fn c_compiler() -> Result<()> {
    let compiler = Compiler::from_env("CC", "cc");
    if compiler.is_installed() {
        return Ok(());
    }
    bail!(
        "there is no C compiler (`{}` does not run): install one, for example with \
         `apt-get install gcc libc6-dev` or `xcode-select --install`, or name it in CC",
        compiler.program
    )
}

/// Finds or installs a C++ compiler, in which libFuzzer is written.
pub(crate) fn cxx_compiler() -> Result<()> {
    let compiler = Compiler::from_env("CXX", "c++");
    let help = format!(
        "there is no C++ compiler (`{}` does not run): install one, for example with \
         `apt-get install g++` or `xcode-select --install`, or name it in CXX",
        compiler.program
    );
    CXX_COMPILER.ensure(|| compiler.is_installed(), &help)
}

/// Finds or installs curl, which the samples of the HTTP API use.
pub(crate) fn curl() -> Result<()> {
    CURL.ensure(
        || succeeds(Command::new("curl").arg("--version")),
        "there is no curl: install it, for example with `apt-get install curl`",
    )
}

struct Compiler {
    program: String,
    args: Vec<String>,
}

impl Compiler {
    /// The command in an environment variable, arguments included, or the default one.
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
