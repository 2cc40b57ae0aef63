//! The steps of `cargo xtask ci`.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::Result;
use clap::ValueEnum;
use test_postgres::VARIABLE;

use super::{
    browser, deploy, deps, foreign_types, line_width, links, named_tests, package, samples,
    test_run,
};
use crate::postgres::TestServer;
use crate::process::{cargo, run};
use crate::web::reload::OpenPages;
use crate::workspace::{self, WASM};
use crate::{axe, build, fuzz, openapi, passkeys, public_api, python, setup, tokens, web};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Step {
    /// Formatting
    Fmt,
    /// Dependency rules, licences and sources, and cycles between modules
    Deps,
    /// Clippy for this machine, with each set of features, and for the browser
    Lint,
    /// Unit, integration and documentation tests
    Test,
    /// Documentation of the crates and their public API; links, samples and line widths in docs
    Docs,
    /// Packages of the library crates, which are checked outside the workspace
    Package,
    /// The SPA and the release binary, and at the same time the fuzz targets, for `fuzz`
    Build,
    /// The sizes of the SPA and of the browser client against their budgets
    Size,
    /// The systemd unit, with the server in its sandbox, and the configurations of nginx and Caddy
    Deploy,
    /// Requests and a generated client that test the release binary against its OpenAPI document,
    /// and the types and the npm package of the browser client
    Openapi,
    /// The samples that verify tokens in Python and JavaScript, with the release binary
    Tokens,
    /// Verdicts on altered passkeys, compared with those of another implementation
    Passkeys,
    /// A few seconds of fuzzing for each target
    Fuzz,
    /// End-to-end tests of the release binary with a real browser
    E2e,
}

/// The artifacts that this run has built. They are kept so that no step builds them again.
#[derive(Default)]
pub(super) struct Artifacts {
    server: Option<PathBuf>,
}

impl Artifacts {
    /// Returns the path of the release binary, which embeds the SPA. Builds it if necessary.
    fn server(&mut self) -> Result<PathBuf> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let server = build::release()?;
        self.server = Some(server.clone());
        Ok(server)
    }
}

impl Step {
    /// Returns the name of the step on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns a one-line description of the step.
    pub(super) fn description(self) -> String {
        let value = self.to_possible_value();
        let help = value.as_ref().and_then(|value| value.get_help());
        help.map(ToString::to_string).unwrap_or_default()
    }

    /// Returns whether the step needs the artifacts of [`Step::Build`].
    pub(super) const fn needs_build(self) -> bool {
        matches!(self, Self::Size | Self::Deploy | Self::Openapi | Self::Tokens | Self::E2e)
    }

    pub(super) fn check(self, artifacts: &mut Artifacts) -> Result<()> {
        match self {
            Self::Fmt => fmt(),
            Self::Deps => deps::check(),
            Self::Lint => lint(),
            Self::Test => test(),
            Self::Docs => docs(),
            Self::Package => package::check(),
            Self::Build => build(artifacts),
            Self::Size => size(artifacts),
            Self::Deploy => deploy::check(&artifacts.server()?),
            Self::Openapi => openapi::check(artifacts.server()?),
            Self::Tokens => tokens::check(artifacts.server()?),
            Self::Passkeys => passkeys::check(),
            Self::Fuzz => fuzz::smoke_test(),
            Self::E2e => e2e(artifacts),
        }
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
    // `--all-targets` leaves out targets with `test = false`.
    run(cargo(["clippy", "--workspace", "--all-features", "--test", "e2e"]).args(deny))?;
    for (package, features) in FEATURE_SETS {
        let part = ["--package", package, "--no-default-features", "--features", features];
        run(cargo(["clippy"]).args(part).args(deny))?;
    }
    // Separately: the features that the example needs must not hide that the crates lack some.
    run(cargo(["clippy", "--package", "web", "--target", WASM]).args(deny))?;
    run(cargo(["clippy", "--package", "yew-session", "--target", WASM]).args(deny))?;
    run(cargo(["clippy", "--package", "yew-session", "--examples", "--target", WASM]).args(deny))
}

/// Packages, each with a set of features that a dependent may enable without the others.
const FEATURE_SETS: [(&str, &str); 21] = [
    ("auth-core", ""),
    ("auth-core", "credentials"),
    ("auth-core", "hash"),
    ("auth-core", "foreign-argon2"),
    ("auth-core", "foreign-bcrypt"),
    ("auth-core", "foreign-firebase"),
    ("auth-core", "foreign-flask-security"),
    ("auth-core", "foreign-pbkdf2"),
    ("auth-core", "foreign-scrypt"),
    ("auth-core", "factors"),
    ("auth-core", "verify"),
    ("auth-core", "token"),
    ("user-store", ""),
    ("user-store", "sqlite"),
    ("user-store", "postgres"),
    ("user-store", "rows"),
    ("accounts", ""),
    ("accounts", "postgres"),
    ("accounts", "testing"),
    ("api", ""),
    ("latchkey", ""),
];

fn test() -> Result<()> {
    setup::c_compiler()?;
    setup::curl()?;
    // The tests of `pages` use them.
    web::build(OpenPages::Stay)?;
    let postgres = TestServer::start()?;
    test_run::run(
        cargo(["test", "--workspace", "--all-features", "--no-fail-fast"])
            .env(VARIABLE, postgres.url())
            .env("RUST_TEST_THREADS", test_threads().to_string()),
    )?;
    drop(postgres);
    test_aiosmtpd()?;

    // Tests the part of `auth-core` that the browser also uses, but not the examples, which need
    // more features.
    let auth_core = ["--package", "auth-core", "--no-default-features", "--features"];
    let targets = ["test", "--lib", "--tests"];
    test_run::run(cargo(targets).args(auth_core).arg("credentials,system"))?;
    run(cargo(["check", "--target", WASM]).args(auth_core).arg("credentials"))?;

    // Without optimisation, as in a debug build of an app, `auth-core` hashes with a different
    // library.
    let unoptimized = ["--config", "profile.dev.package.auth-core.opt-level=0"];
    let hashes = ["--package", "auth-core", "--all-features", "--test", "it", "--", "hash::"];
    test_run::run(cargo(["test"]).args(unoptimized).args(hashes))
}

/// Returns the number of tests that run at a time: more than there are cores, because many tests
/// wait for a server to start or for a time limit to pass.
fn test_threads() -> usize {
    2 * thread::available_parallelism().map_or(1, NonZero::get)
}

/// Runs the test that sends mails to aiosmtpd.
fn test_aiosmtpd() -> Result<()> {
    let requirements = Path::new("crates/mail/tests/it/aiosmtpd/requirements.txt");
    let python = python::environment("aiosmtpd", requirements)?.join("bin/python");
    // The whole workspace with all features, as before, so that nothing is recompiled.
    let tests = ["test", "--workspace", "--all-features", "--test", "it"];
    let run = ["--", "--ignored", "aiosmtpd::"];
    test_run::run(cargo(tests).args(run).env("LATCHKEY_TEST_AIOSMTPD", python))
}

fn docs() -> Result<()> {
    setup::c_compiler()?;
    links::check(&workspace::root())?;
    line_width::check(&workspace::root())?;
    named_tests::check(&workspace::root())?;
    samples::check(&workspace::root())?;
    foreign_types::check(&workspace::root())?;
    run(cargo(["doc", "--workspace", "--no-deps", "--all-features"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    public_api::check()
}

/// Builds the SPA and the release binary, and at the same time the fuzz targets: the link-time
/// optimisation of the binary uses only one core.
fn build(artifacts: &mut Artifacts) -> Result<()> {
    // Not while the compilers are in use, because an installation can replace parts of them.
    setup::wasm_target()?;
    let has_compiler = setup::cxx_compiler().is_ok();
    thread::scope(|scope| {
        if has_compiler {
            // If it fails, `fuzz` builds again, and reports the error.
            scope.spawn(fuzz::build_with_one_job);
        }
        artifacts.server().map(drop)
    })
}

fn size(artifacts: &Artifacts) -> Result<()> {
    web::size::check_client(&workspace::root().join("crates/api/client/latchkey.js"))?;
    if artifacts.server.is_none() {
        web::build(OpenPages::Stay)?;
    }
    let report = web::size::Report::read(&workspace::pages_dist())?;
    report.print();
    report.check()
}

/// Runs the end-to-end tests. Looks for the browser and axe-core first, so that a missing one is
/// reported before the build.
fn e2e(artifacts: &mut Artifacts) -> Result<()> {
    let browser = browser::find_or_install()?;
    let axe = axe::install()?;
    let server = artifacts.server()?;
    // The whole workspace with all features, as in `test`, so that nothing is recompiled.
    run(&mut cargo(["build", "--workspace", "--all-features", "--examples"]))?;
    let yew = web::build_yew_example()?;
    let mut tests = cargo(["test", "--workspace", "--all-features", "--test", "e2e"]);
    tests
        .args(["--", "--test-threads=2"])
        .env("E2E_SERVER", server)
        .env("E2E_CHROMIUM", browser.chromium)
        .env("E2E_CHROMEDRIVER", browser.chromedriver)
        .env("E2E_AXE", axe)
        .env("E2E_YEW", yew)
        .env_remove("E2E_HEADLESS_SHELL");
    if let Some(shell) = browser.headless_shell {
        tests.env("E2E_HEADLESS_SHELL", shell);
    }
    test_run::run(&mut tests)
}
