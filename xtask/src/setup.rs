//! What must be on the machine before cargo can work, and is put there if it can be.

use std::env;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::apt;
use crate::process::{cargo, run_aside, step, succeeds};
use crate::workspace::WASM;

/// The standard library of the SPA's target.
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
        run_aside(Command::new("rustup").args(["target", "add", WASM]))
    })
}

/// Asked of rustc and not of rustup, which need not be how Rust came to this machine.
fn has_wasm_target() -> Result<bool> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", WASM])
        .output()
        .context("rustc could not be started")?;
    let directory = String::from_utf8(output.stdout)?;
    Ok(output.status.success() && Path::new(directory.trim()).is_dir())
}

/// A cargo subcommand that comes as a component of the toolchain: `fmt`, `clippy`.
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
        run_aside(Command::new("rustup").args(["component", "add", component]))
    })
}

/// SQLite and the cryptography are partly C; said here, it is not lost in a build's output.
pub(crate) fn c_compiler() -> Result<()> {
    let compiler = Compiler::named("CC", "cc");
    if compiler.runs() {
        return Ok(());
    }
    bail!(
        "there is no C compiler (`{}` does not run): install one, for example with \
         `apt-get install gcc libc6-dev` or `xcode-select --install`, or name it in CC",
        compiler.program
    )
}

/// The samples of the HTTP API are its commands.
pub(crate) fn curl() -> Result<()> {
    let runs = || succeeds(Command::new("curl").arg("--version"));
    let install = || apt::can_install() && apt::install("curl", &["curl"]).is_ok();
    if runs() || (install() && runs()) {
        return Ok(());
    }
    bail!("there is no curl: install it, for example with `apt-get install curl`")
}

/// libFuzzer is C++.
pub(crate) fn cxx_compiler() -> Result<()> {
    let compiler = Compiler::named("CXX", "c++");
    let install = || apt::can_install() && apt::install("a C++ compiler", &["g++"]).is_ok();
    if compiler.runs() || (install() && compiler.runs()) {
        return Ok(());
    }
    bail!(
        "there is no C++ compiler (`{}` does not run): install one, for example with \
         `apt-get install g++` or `xcode-select --install`, or name it in CXX",
        compiler.program
    )
}

struct Compiler {
    program: String,
    args: Vec<String>,
}

impl Compiler {
    /// What the variable names, arguments included, or the usual one.
    fn named(variable: &str, usual: &str) -> Self {
        let named = env::var(variable).unwrap_or_default();
        let mut words = named.split_whitespace().map(str::to_owned);
        let program = words.next().unwrap_or_else(|| usual.to_owned());
        Self { program, args: words.collect() }
    }

    fn runs(&self) -> bool {
        succeeds(Command::new(&self.program).args(&self.args).arg("--version"))
    }
}

fn has_rustup() -> bool {
    succeeds(Command::new("rustup").arg("--version"))
}
