//! `cargo xtask ci tokens`: runs the samples that verify tokens in Python and in JavaScript.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{run, step};
use crate::server::{Installation, Server};
use crate::{node, python, workspace};

const PAGE: &str = "docs/embedding/verify-tokens.md";

/// The user whose tokens the samples verify. `tokens/check.py` and `tokens/check.mjs` log in.
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

/// The number of hash iterations. It is low because the check does not measure response times.
const ITERATIONS: u32 = 1_000;

/// Checks that the samples accept tokens of the server, before and after a rotation of its keys,
/// and reject altered tokens.
pub(crate) fn check(server: PathBuf) -> Result<()> {
    let page = fs::read_to_string(workspace::root().join(PAGE))?;
    let directory = workspace::target_dir()?.join("tokens");
    fs::create_dir_all(&directory)?;
    let installation = Installation::new(server)?;
    installation.create_user(EMAIL, PASSWORD, ITERATIONS)?;
    let server = installation.start(ITERATIONS)?;

    step("verifying tokens in Python", || {
        let sample = write_sample(&page, "python", directory.join("sample.py"))?;
        let packages = Path::new("xtask/src/tokens/requirements.txt");
        let environment = python::environment("tokens/python", packages)?;
        let mut check = Command::new(environment.join("bin/python"));
        check.arg(source("check.py")).arg(sample);
        run(with_server(&mut check, &installation, &server)?)
    })?;
    step("verifying tokens in JavaScript", || {
        let sample = write_sample(&page, "js", directory.join("sample.js"))?;
        node::find_or_install()?;
        for name in ["check.mjs", "package.json", "package-lock.json"] {
            fs::copy(source(name), directory.join(name))?;
        }
        node::install(&directory)?;
        let mut check = Command::new("node");
        check.arg("check.mjs").arg(sample).current_dir(&directory);
        run(with_server(&mut check, &installation, &server)?)
    })
}

/// Writes the sample in a language to a file. Returns the path of the file.
fn write_sample(page: &str, language: &str, file: PathBuf) -> Result<PathBuf> {
    let start = format!("```{language}\n");
    let sample = page.split(&*start).nth(1).and_then(|rest| rest.split("```").next());
    let sample = sample.with_context(|| format!("{PAGE} has no sample in {language}"))?;
    fs::write(&file, sample)?;
    Ok(file)
}

/// Adds the issuer and the program to the arguments, and the database to the environment.
fn with_server<'a>(
    command: &'a mut Command,
    installation: &Installation,
    server: &Server,
) -> Result<&'a mut Command> {
    let (_, port) = server.address.rsplit_once(':').context("the address has no port")?;
    command.arg(format!("http://localhost:{port}")).arg(installation.binary());
    Ok(command.env("LATCHKEY_DATABASE", installation.database()))
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/tokens").join(name)
}
