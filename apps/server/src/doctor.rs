//! `latchkey doctor`: whether a deployment is as it should be. It looks, and changes nothing.
//!
//! Each check is a function of what was found; what is found is gathered here.

mod clock;
mod database;
mod files;
mod network;
mod passwords;
mod report;

use std::io;
use std::path::Path;
use std::time::Duration;

use auth_core::{Clock as _, SystemClock};
use user_store::SqliteStore;

use crate::cli::{DoctorOptions, ServeOptions, Switch};
use files::Files;
use passwords::Speed;
use report::{Finding, Level, Report};

/// How long the measurement of all cores takes, about.
const MEASURED: Duration = Duration::from_millis(500);

/// Why the answer is no.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DoctorError {
    #[error("{0} of the checks failed, as printed")]
    Failed(usize),
    #[error("it could not be printed: {0}")]
    Unprinted(io::Error),
}

pub(crate) fn run(options: &DoctorOptions) -> Result<(), DoctorError> {
    let report = Report(examine(&options.serve));
    match report.print(options.json) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            return Err(DoctorError::Unprinted(error));
        }
        // Who reads no further has the exit code still.
        _ => {}
    }
    match report.count(Level::Fail) {
        0 => Ok(()),
        failed => Err(DoctorError::Failed(failed)),
    }
}

fn examine(options: &ServeOptions) -> Vec<Finding> {
    let mut found = of_database(&options.database);
    let iterations = options.passwords.pbkdf2_iterations;
    found.push(passwords::iterations(iterations));
    found.push(passwords::speed(&Speed::measure(iterations, MEASURED)));
    let url = options.public_url.as_ref();
    found.push(passwords::throttle(options.throttle == Switch::On));
    found.push(network::public_url(url, options.listen.ip()));
    found.push(network::proxies(url, options.listen.ip(), !options.trusted_proxy.is_empty()));
    found
}

fn of_database(path: &Path) -> Vec<Finding> {
    let inspected = SqliteStore::inspect(path);
    let files = Files::of(path);
    let newest = inspected.as_ref().ok().and_then(|inspection| inspection.newest);
    let mut found = database::findings(path, &inspected);
    found.push(database::sqlite(SqliteStore::sqlite_version()));
    found.extend(files.findings());
    found.push(clock::clock(SystemClock.now(), newest));
    found
}
