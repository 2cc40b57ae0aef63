//! `cargo xtask bench`: what is measured rather than tested, since machines differ.
//!
//! What is compared is measured side by side in one run, round after round, so that whatever
//! else happens on the machine happens to all of it. Nothing here fails because something is
//! slow: a goal that is missed is said to be.

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

/// Measures, prints tables and writes JSON to `target/bench`. Without a part, all that make up
/// `docs/PERFORMANCE.md` are measured, which takes about fifteen minutes.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    effort: Effort,
    /// Put the tables into docs/PERFORMANCE.md
    #[arg(long)]
    update_docs: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// PBKDF2 in several ways
    Hash(Effort),
    /// Log-ins and sign-ups a second, beside Flask
    Logins(Effort),
    /// `GET /api/me`, beside Flask and warp alone
    Private(Effort),
    /// `GET /api/me` while many log in
    Flood(Effort),
    /// The store with up to a million users
    Growth(Effort),
    /// How soon the server answers, and how large everything is
    Start(Effort),
    /// Whether a refused log-in tells which addresses have accounts
    Enumeration(enumeration::Enumeration),
}

/// One of the parts of the page.
type Part = (&'static str, fn(&Workbench) -> Result<Section>);

const PARTS: [Part; 6] = [
    ("hash", hash::measure),
    ("logins", logins::measure),
    ("private", private::measure),
    ("flood", flood::measure),
    ("growth", growth::measure),
    ("start", start::measure),
];

impl Bench {
    pub(crate) fn run(self) -> Result<ExitCode> {
        let (name, effort) = match self.what {
            None => return all(&self.effort, self.update_docs),
            Some(What::Enumeration(enumeration)) => return enumeration.run(),
            Some(What::Hash(effort)) => ("hash", effort),
            Some(What::Logins(effort)) => ("logins", effort),
            Some(What::Private(effort)) => ("private", effort),
            Some(What::Flood(effort)) => ("flood", effort),
            Some(What::Growth(effort)) => ("growth", effort),
            Some(What::Start(effort)) => ("start", effort),
        };
        measure(&effort, &|part| part == name).map(|run| run.verdict())
    }
}

/// What was measured in one go.
struct Run {
    machine: Machine,
    sections: Vec<Section>,
    is_whole: bool,
}

impl Run {
    fn verdict(&self) -> ExitCode {
        if self.is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn all(effort: &Effort, update_docs: bool) -> Result<ExitCode> {
    let run = measure(effort, &|_| true)?;
    let goals = report::goals(&run.sections);
    println!("\n## Goals\n\n{goals}");
    if update_docs && run.is_whole {
        let mut tables = vec![("machine", run.machine.markdown()), ("goals", goals)];
        tables.extend(run.sections.iter().map(|section| (section.name, section.markdown())));
        page::update(&tables)?;
    }
    Ok(run.verdict())
}

/// Measures some of the parts, and prints each as soon as it is done. One that cannot be
/// measured keeps no other from it.
fn measure(effort: &Effort, chosen: &dyn Fn(&str) -> bool) -> Result<Run> {
    load::find_or_install()?;
    // Before anything is built, which keeps the machine busy too.
    let machine = Machine::look(effort)?;
    let bench = Workbench::new(effort.clone());
    bench.prepare()?;
    println!("{}", machine.markdown());
    let mut run = Run { machine, sections: Vec::new(), is_whole: true };
    for (name, part) in PARTS.iter().filter(|(name, _)| chosen(name)) {
        match step(&format!("measuring: {name}"), || part(&bench)) {
            Ok(section) => {
                println!("\n## {name}\n\n{}", section.markdown());
                section.write(&run.machine.json())?;
                run.sections.push(section);
            }
            Err(error) => {
                eprintln!("error: {name}: {error:#}");
                run.is_whole = false;
            }
        }
    }
    Ok(run)
}
