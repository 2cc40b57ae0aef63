//! `cargo xtask bench`: measurements, which depend on the machine and therefore are no tests.
//!
//! Candidates are measured in turn, round after round in one run, so that other work on the machine
//! affects all of them. A missed goal is reported but is not a failure.

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
mod workbench;

use std::process::ExitCode;

use anyhow::Result;

use crate::process::step;
use machine::Machine;
use report::Section;
use workbench::{Effort, Workbench};

/// Measures, prints tables and writes JSON to `target/bench`. Without a part, it measures all parts
/// of `docs/PERFORMANCE.md`, which takes about fifteen minutes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    part: Option<Part>,
    #[command(flatten)]
    effort: Effort,
    /// Put the tables into docs/PERFORMANCE.md
    #[arg(long)]
    update_docs: bool,
}

#[derive(clap::Subcommand)]
enum Part {
    /// Implementations of PBKDF2
    Hash(Effort),
    /// Log-ins and sign-ups per second, compared with Flask
    Logins(Effort),
    /// `GET /api/me`, compared with Flask and with warp alone
    Private(Effort),
    /// `GET /api/me` while many log in
    Flood(Effort),
    /// The store with up to a million users
    Growth(Effort),
    /// How long the server takes to start, and how large everything is
    Start(Effort),
    /// Whether a rejected log-in reveals which emails have accounts
    Enumeration(enumeration::Enumeration),
}

/// The name of a part of `docs/PERFORMANCE.md`, and its measurement.
type PagePart = (&'static str, fn(&Workbench) -> Result<Section>);

const PARTS: [PagePart; 6] = [
    ("hash", hash::measure),
    ("logins", logins::measure),
    ("private", private::measure),
    ("flood", flood::measure),
    ("growth", growth::measure),
    ("start", start::measure),
];

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (name, effort) = match self.part {
            None => return all(&self.effort, self.update_docs),
            Some(Part::Enumeration(enumeration)) => return enumeration.run(),
            Some(Part::Hash(effort)) => ("hash", effort),
            Some(Part::Logins(effort)) => ("logins", effort),
            Some(Part::Private(effort)) => ("private", effort),
            Some(Part::Flood(effort)) => ("flood", effort),
            Some(Part::Growth(effort)) => ("growth", effort),
            Some(Part::Start(effort)) => ("start", effort),
        };
        measure(&effort, &|part| part == name).map(|run| run.exit_code())
    }
}

/// The results of one run.
struct Run {
    machine: Machine,
    sections: Vec<Section>,
    is_complete: bool,
}

impl Run {
    fn exit_code(&self) -> ExitCode {
        if self.is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn all(effort: &Effort, update_docs: bool) -> Result<ExitCode> {
    let run = measure(effort, &|_| true)?;
    let goals = report::goals(&run.sections);
    println!("\n## Goals\n\n{goals}");
    if update_docs && run.is_complete {
        let mut tables = vec![("machine", run.machine.markdown()), ("goals", goals)];
        tables.extend(run.sections.iter().map(|section| (section.name, section.markdown())));
        page::update(&tables)?;
    }
    Ok(run.exit_code())
}

/// Measures the chosen parts, and prints each as soon as it is done. If one fails, the others are
/// measured all the same.
fn measure(effort: &Effort, chosen: &dyn Fn(&str) -> bool) -> Result<Run> {
    load::find_or_install()?;
    // Before anything is built, because that causes load.
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
