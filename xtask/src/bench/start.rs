//! `cargo xtask bench start`: the start-up time and memory of the server, and the sizes of the
//! binary and the pages.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::client::Client;
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, Workbench};
use crate::server::Installation;
use crate::usage::resident_kib;
use crate::{web, workspace};

/// How long a server may still be busy after it has started.
const WARM_UP: Duration = Duration::from_secs(1);

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let installation = bench.installation(1_000, ITERATIONS)?;
    let rounds = bench.unless_quick(15, 5);
    let starts = (0..rounds).map(|_| start(&installation)).collect::<Result<Vec<_>>>()?;
    let memory = (0..3).map(|_| memory(&installation)).collect::<Result<Vec<_>>>()?;
    let binary = fs::metadata(installation.binary())?.len() as f64 / f64::from(1 << 20);
    let pages = web::size::Report::read(&workspace::pages_dist())?;
    let mut section = Section::new("start");
    let start = Row::new("start, from exec to the first response", "ms", &starts);
    section.add(start.with(Goal::AtMost(50.0)));
    section.add(Row::new("resident memory, idle", "MiB", &memory).with(Goal::AtMost(20.0)));
    section.add(Row::new("binary", "MiB", &[binary]).with(Goal::AtMost(15.0)));
    let visit = Row::new("first visit, brotli", "kB", &[pages.as_sent() as f64 / 1e3]);
    section.add(visit.with(Goal::AtMost(web::size::BUDGET as f64 / 1e3)));
    Ok(section)
}

/// Returns the milliseconds from the start until `/readyz` succeeds, with an existing database.
fn start(installation: &Installation) -> Result<f64> {
    let started = Instant::now();
    let server = installation.start(ITERATIONS)?;
    let response = Client::connect(&server.address)?.get_public("/readyz")?;
    let milliseconds = started.elapsed().as_secs_f64() * 1e3;
    if !response.is_ok() {
        bail!("the server is not ready: {:?}", response.head);
    }
    Ok(milliseconds)
}

/// Returns the resident memory of an idle server, in MiB.
fn memory(installation: &Installation) -> Result<f64> {
    let server = installation.start(ITERATIONS)?;
    Client::connect(&server.address)?.get_public("/readyz")?;
    thread::sleep(WARM_UP);
    Ok(resident_kib(server.id())? / 1024.0)
}
