//! `latchkey doctor`: checks a deployment without changing it.
//!
//! This module collects facts about the machine. Each check is a function of such facts.

mod access;
mod clock;
mod database;
mod environment;
mod files;
mod mail;
mod memory;
mod network;
mod postgres;
mod report;
mod settings;
mod speed;

use std::path::Path;
use std::time::Duration;

use accounts::Config;
use auth_core::{Clock as _, Origin, SystemClock};
use clap::Args;
use user_store::{PostgresConfig, PostgresStore, SqliteStore};

use crate::commands::serve::ServeArgs;
use crate::database::Database;
use crate::environment::unknown_variables;
use crate::error::CommandError;
use crate::memory::HashMemory;
use crate::output::OutputFormat;
use access::Access;
use files::Files;
use report::{Finding, Level, Report};
use speed::Speed;

/// The approximate duration of the hashing benchmark on all cores.
const MEASURE_TIME: Duration = Duration::from_millis(500);

/// The arguments of `latchkey doctor`: the options of the server to check, and the output format.
#[derive(Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    serve: ServeArgs,

    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

impl DoctorArgs {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        let origin = match &self.serve.public_url {
            Some(origin) => origin.clone(),
            None => Origin::localhost(self.serve.listen.port()),
        };
        let config = self.serve.config(origin, self.serve.session_policy()?);
        let mail = self.serve.mail_settings()?;
        let database = self.serve.database().resolve()?;
        let mut warnings = self.serve.database().warnings();
        warnings.extend(self.serve.mail.warning());
        let mut findings = credentials(warnings);
        findings.extend(match database {
            Database::Sqlite(path) => examine_sqlite(&path, &config),
            Database::Postgres(postgres) => examine_postgres(&postgres, &config).await,
        });
        findings.extend(examine_settings(&self.serve, &config));
        findings.push(mail::mail(mail.as_ref()).await);
        let report = Report(findings);
        let printed = report.print(OutputFormat::from_flag(self.json));
        match report.count(Level::Fail) {
            0 => printed.map_err(CommandError::Print),
            failed => Err(CommandError::ChecksFailed(failed)),
        }
    }
}

/// Reports options and files that reveal a password.
fn credentials(warnings: Vec<String>) -> Vec<Finding> {
    warnings.into_iter().map(|warning| Finding::warn("credentials", warning)).collect()
}

fn examine_settings(args: &ServeArgs, config: &Config) -> Vec<Finding> {
    let mut findings = settings::findings(config);
    findings.push(speed::speed(&Speed::measure(config.pbkdf2_iterations, MEASURE_TIME)));
    let url = args.public_url.as_ref();
    findings.push(network::listen(args.listen));
    findings.push(network::public_url(url, args.listen.ip()));
    findings.push(network::proxies(url, args.listen.ip(), !args.trusted_proxy.is_empty()));
    findings.extend(environment::variables(&unknown_variables()));
    findings
}

fn examine_sqlite(path: &Path, config: &Config) -> Vec<Finding> {
    let inspected = SqliteStore::inspect(path);
    let newest = inspected.as_ref().ok().and_then(|inspection| inspection.newest);
    let mut findings = database::findings(path, &inspected);
    findings.push(database::sqlite(SqliteStore::sqlite_version()));
    let files = Files::of_database(path);
    findings.push(Access::of_database(files.database(), files.folder()).finding());
    findings.extend(files.findings());
    findings.push(clock::clock(SystemClock.now(), newest));
    if let Ok(inspection) = &inspected {
        findings.push(database::outbox(inspection.mails));
        let (unusable, largest) = (inspection.unusable_hashes, inspection.max_hash_memory);
        findings.extend(examine_hashes(unusable, largest, config));
    }
    findings
}

async fn examine_postgres(postgres: &PostgresConfig, config: &Config) -> Vec<Finding> {
    let inspected = PostgresStore::inspect(postgres).await;
    let now = SystemClock.now();
    let mut findings = postgres::findings(postgres, &inspected, now);
    let newest = inspected.as_ref().ok().and_then(|inspection| inspection.newest);
    findings.push(clock::clock(now, newest));
    if let Ok(inspection) = &inspected {
        findings.push(database::outbox(inspection.mails));
        let (unusable, largest) = (inspection.unusable_hashes, inspection.max_hash_memory);
        findings.extend(examine_hashes(unusable, largest, config));
    }
    findings
}

/// Checks the stored password hashes. `largest` is the memory of the most expensive one, in bytes.
fn examine_hashes(unusable: u32, largest: u64, config: &Config) -> Vec<Finding> {
    let hashes = HashMemory::on_this_machine(largest, config.hash_memory);
    let mut findings = Vec::from_iter(database::hashes(unusable));
    findings.push(memory::memory(&hashes, crate::memory::limit()));
    findings
}
