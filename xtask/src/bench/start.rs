//! `cargo xtask bench start`: how soon the server answers, and how large everything is.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::client::Client;
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, Workbench};
use crate::server::Site;
use crate::usage::resident_kib;
use crate::{web, workspace};

/// What a server does at first is over by then.
const SETTLED: Duration = Duration::from_secs(1);

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let site = bench.site(1_000, ITERATIONS)?;
    let rounds = bench.unless_quick(15, 5);
    let starts = (0..rounds).map(|_| start(&site)).collect::<Result<Vec<_>>>()?;
    let memory = (0..3).map(|_| memory(&site)).collect::<Result<Vec<_>>>()?;
    let binary = fs::metadata(site.binary())?.len() as f64 / f64::from(1 << 20);
    let pages = web::size::Report::of(&workspace::web_dist())?;
    let mut section = Section::new("start");
    let started = Row::new("start, from exec to the first answer", "ms", &starts);
    section.add(started.with(Goal::AtMost(50.0)));
    section.add(Row::new("resident memory, idle", "MiB", &memory).with(Goal::AtMost(20.0)));
    section.add(Row::new("binary", "MiB", &[binary]).with(Goal::AtMost(15.0)));
    let visit = Row::new("first visit, brotli", "kB", &[pages.as_sent() as f64 / 1e3]);
    section.add(visit.with(Goal::AtMost(web::size::BUDGET as f64 / 1e3)));
    Ok(section)
}

/// On a database that is there; the answer is to whether the store can be asked.
fn start(site: &Site) -> Result<f64> {
    let began = Instant::now();
    let server = site.start(ITERATIONS)?;
    let answer = Client::connect(&server.address)?.get_public("/readyz")?;
    let taken = began.elapsed().as_secs_f64() * 1e3;
    if !answer.is_ok() {
        bail!("the server is not ready: {:?}", answer.head);
    }
    Ok(taken)
}

fn memory(site: &Site) -> Result<f64> {
    let server = site.start(ITERATIONS)?;
    Client::connect(&server.address)?.get_public("/readyz")?;
    thread::sleep(SETTLED);
    Ok(resident_kib(server.id())? / 1024.0)
}
