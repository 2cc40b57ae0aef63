//! `cargo xtask bench`: measures performance. The results depend on the machine, so these
//! measurements are not tests.
//!
//! In each round of a run, the programs to compare are measured one after the other, so that other
//! work on the machine affects all of them alike. A missed goal is reported but is not a failure.

mod client;
mod enumeration;
mod flask;
mod flood;
mod growth;
mod hash;
mod load;
mod logins;
mod machine;
mod page;
mod private;
mod probe;
mod report;
mod start;
mod statistics;
mod stores;
mod workbench;

use std::process::ExitCode;

use anyhow::Result;

use crate::process::step;
use machine::Machine;
use report::Section;
use workbench::{Effort, Workbench};

/// Measures performance, prints tables and writes JSON to `target/bench`. Without a subcommand, all
/// figures in `docs/PERFORMANCE.md` are measured, which takes about half an hour.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    effort: Effort,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Measure the time per hash of several implementations of PBKDF2
    Hash(Effort),
    /// Measure log-ins and sign-ups per second, compared with Flask
    Logins(Effort),
    /// Measure the rate and latency of `GET /api/me`, compared with Flask and with warp alone
    Private(Effort),
    /// Measure the latency of `GET /api/me` while many users log in
    Flood(Effort),
    /// Measure the rates of store operations with up to a million users
    Growth(Effort),
    /// Measure requests and store operations on SQLite and on PostgreSQL
    Stores(Effort),
    /// Measure start-up time, memory, and the sizes of the binary and the pages
    Start(Effort),
    /// Test whether a rejected log-in reveals which email addresses have accounts
    Enumeration(enumeration::Enumeration),
}

/// The name of a part of `docs/PERFORMANCE.md`, and the function that measures its figures.
type PagePart = (&'static str, fn(&Workbench) -> Result<Section>);

const PARTS: [PagePart; 7] = [
    ("hash", hash::measure),
    ("logins", logins::measure),
    ("private", private::measure),
    ("flood", flood::measure),
    ("growth", growth::measure),
    ("stores", stores::measure),
    ("start", start::measure),
];

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (name, effort) = match self.part {
            None => return all(&self.effort),
            Some(Part::Enumeration(enumeration)) => return enumeration.run(),
            Some(Part::Hash(effort)) => ("hash", effort),
            Some(Part::Logins(effort)) => ("logins", effort),
            Some(Part::Private(effort)) => ("private", effort),
            Some(Part::Flood(effort)) => ("flood", effort),
            Some(Part::Growth(effort)) => ("growth", effort),
            Some(Part::Stores(effort)) => ("stores", effort),
            Some(Part::Start(effort)) => ("start", effort),
        };
        let mut run = measure(&effort, &|part| part == name)?;
        if effort.update_docs && run.is_complete {
            // The page describes the machine during another run.
            let warning = run.machine.warning();
            run.sections.iter_mut().for_each(|section| section.notes.extend(warning.clone()));
            page::update(&run.tables())?;
        }
        Ok(run.exit_code())
    }
}

/// The results of one run.
struct Run {
    machine: Machine,
    sections: Vec<Section>,
    is_complete: bool,
}

impl Run {
    /// Returns the tables for the page, each with its name.
    fn tables(&self) -> Vec<(&'static str, String)> {
        self.sections.iter().map(|section| (section.name, section.markdown())).collect()
    }

    fn exit_code(&self) -> ExitCode {
        if self.is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn all(effort: &Effort) -> Result<ExitCode> {
    let run = measure(effort, &|_| true)?;
    let goals = report::goals(&run.sections);
    println!("\n## Goals\n\n{goals}");
    if effort.update_docs && run.is_complete {
        let mut tables = vec![("machine", run.machine.markdown()), ("goals", goals)];
        tables.extend(run.tables());
        page::update(&tables)?;
    }
    Ok(run.exit_code())
}

/// Measures the chosen parts, and prints each as soon as it is done. A failure does not stop the
/// other parts.
fn measure(effort: &Effort, chosen: &dyn Fn(&str) -> bool) -> Result<Run> {
    load::find_or_install()?;
    // Read the load before anything is built, because a build causes load.
    let machine = Machine::detect(effort)?;
    let bench = Workbench::new(effort.clone());
    bench.build()?;
    println!("{}", machine.markdown());
    let mut run = Run { machine, sections: Vec::new(), is_complete: true };
    for (name, part) in PARTS.iter().filter(|(name, _)| chosen(name)) {
        match step(&format!("measuring: {name}"), || part(&bench)) {
            Ok(section) => {
                println!("\n## {name}\n\n{}", section.markdown());
                section.write(&run.machine.json())?;
                run.sections.push(section);
            }
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                run.is_complete = false;
            }
        }
    }
    Ok(run)
}
