//! `cargo xtask ci openapi`: whether the OpenAPI document is true, by two who know nothing else.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::process::{run, run_aside, step};
use crate::server::{Server, Site};
use crate::{node, python, workspace};

const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "a long walk along the sea";

/// Cheap hashes: what is asked is what is answered, and not how long it takes.
const ITERATIONS: u32 = 1_000;

/// Has the server asked everything that the document allows and forbids, and by a client that is
/// made from it.
pub(crate) fn check(server: PathBuf) -> Result<()> {
    let site = Site::new(server)?;
    site.create(EMAIL, PASSWORD, ITERATIONS)?;
    let server = site.start(ITERATIONS)?;
    step("asking whatever the document allows and forbids", || ask(&server))?;
    step("making a client from the document", || make_client(&server))
}

/// schemathesis, with the same questions each time.
fn ask(server: &Server) -> Result<()> {
    let environment =
        python::environment("openapi/python", Path::new("xtask/src/openapi/requirements.txt"))?;
    let folder = workspace::target_dir()?.join("openapi");
    let mut schemathesis = Command::new(environment.join("bin/schemathesis"));
    schemathesis.current_dir(folder);
    schemathesis.arg("--config-file").arg(source("schemathesis.toml"));
    schemathesis.args(["run", &server.url("/api/openapi.json"), "--checks", "all"]);
    // What it warns of is what it could not get past without knowing the password.
    schemathesis.args(["--seed", "1", "--max-examples", "100", "--warnings", "off"]);
    run(&mut schemathesis)
}

/// A program in TypeScript that is compiled strictly, and logs in.
fn make_client(server: &Server) -> Result<()> {
    node::find_or_install()?;
    let folder = workspace::target_dir()?.join("openapi/client");
    fs::create_dir_all(&folder)?;
    for name in ["client.ts", "package.json", "package-lock.json", "tsconfig.json"] {
        fs::copy(source(name), folder.join(name))?;
    }
    node::install(&folder)?;
    let mut types = node::program(&folder, "openapi-typescript");
    types.arg(server.url("/api/openapi.json")).args(["--output", "schema.ts"]);
    // A member with a default may be left out.
    run_aside(types.arg("--default-non-nullable=false"))?;
    run(&mut node::program(&folder, "tsc"))?;
    run(Command::new("node").current_dir(&folder).arg("client.js").arg(server.url("")))
}

fn source(name: &str) -> PathBuf {
    workspace::root().join("xtask/src/openapi").join(name)
}
