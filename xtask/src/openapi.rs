//! `cargo xtask ci openapi`: checks the OpenAPI document against the server, with schemathesis and
//! with a generated client, and the types of the browser client against the document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process::{run, run_to_stderr, step};
use crate::server::{Installation, Server};
use crate::{node, python, workspace};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

/// The number of hash iterations. It is low because the check does not measure response times.
const ITERATIONS: u32 = 1_000;

/// Sends requests to the server, some valid and some invalid according to the OpenAPI document, and
/// runs a client that is generated from the document.
pub(crate) fn check(server: PathBuf) -> Result<()> {
    let installation = Installation::new(server)?;
    installation.create_user(EMAIL, PASSWORD, ITERATIONS)?;
    let mails = workspace::target_dir()?.join("openapi/mail");
    let mails = mails.to_str().context("the path of the target directory is not UTF-8")?;
    // Without mail, the endpoints that need it respond with 501, which schemathesis takes for a
    // defect.
    let mail = ["--mail-dir", mails, "--mail-from", "latchkey@example.com", "--email-log-in", "on"];
    let server =
        installation.start_with(ITERATIONS, &[&["--throttle", "off"], &mail[..]].concat())?;
    step("running schemathesis", || run_schemathesis(&server))?;
    step("running a generated client", || run_typescript_client(&server, mails))
}

/// Runs schemathesis with a fixed seed, so that every run sends the same requests.
fn run_schemathesis(server: &Server) -> Result<()> {
    let environment =
        python::environment("openapi/python", Path::new("xtask/src/openapi/requirements.txt"))?;
    let directory = workspace::target_dir()?.join("openapi");
    let mut schemathesis = Command::new(environment.join("bin/schemathesis"));
    schemathesis.current_dir(directory);
    schemathesis.arg("--config-file").arg(source("schemathesis.toml"));
    schemathesis.args(["run", &server.url("/api/openapi.json"), "--checks", "all"]);
    // Warnings are off: they only concern requests that fail without the correct password.
    schemathesis.args(["--seed", "1", "--max-examples", "100", "--warnings", "off"]);
    run(&mut schemathesis)
}

/// Generates types from the document, compiles a TypeScript client in strict mode, and runs it.
/// Also compiles a program that compares the types of the browser client with those of the
/// document.
fn run_typescript_client(server: &Server, mails: &str) -> Result<()> {
    node::find_or_install()?;
    let directory = workspace::target_dir()?.join("openapi/client");
    fs::create_dir_all(&directory)?;
    for name in ["browser.ts", "client.ts", "package.json", "package-lock.json", "tsconfig.json"] {
        fs::copy(source(name), directory.join(name))?;
    }
    node::install(&directory)?;
    install_browser_client(&directory)?;
    let mut types = node::program(&directory, "openapi-typescript");
    types.arg(server.url("/api/openapi.json")).args(["--output", "schema.ts"]);
    // A property with a default value may be omitted.
    run_to_stderr(types.arg("--default-non-nullable=false"))?;
    run(&mut node::program(&directory, "tsc"))?;
    let mut client = Command::new("node");
    run(client.current_dir(&directory).arg("client.js").args([&server.url(""), mails]))
}

/// Packs the browser client for npm, and installs the package without a registry.
fn install_browser_client(directory: &Path) -> Result<()> {
    let client = workspace::root().join("crates/api/client");
    let mut pack = Command::new("npm");
    pack.args(["pack", "--silent", "--pack-destination"]).arg(directory).current_dir(client);
    run_to_stderr(&mut pack)?;
    let package = directory.join(concat!("latchkey-", env!("CARGO_PKG_VERSION"), ".tgz"));
    let modules = directory.join("node_modules/latchkey");
    fs::create_dir_all(&modules)?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(package).args(["--strip-components=1", "-C"]).arg(modules);
    run(&mut unpack)
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/openapi").join(name)
}
