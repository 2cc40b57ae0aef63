//! `cargo xtask bench logins`: log-ins and sign-ups a second.

use anyhow::Result;

use super::flask::Flask;
use super::load::{Answers, Content, Load};
use super::report::{Goal, Row, Section};
use super::server::Server;
use super::workbench::{ITERATIONS, LOG_IN, PASSWORD, Workbench};

/// How many accounts log in in turn.
const ACCOUNTS: u32 = 64;
const CONNECTIONS: [u32; 3] = [1, 16, 64];
/// What makes the server hash one password after the other.
const SINGLE: [&str; 2] = ["--hashing", "single"];

/// One that is compared: its name, and what it did at each number of connections.
struct Rival {
    name: &'static str,
    server: Server,
    log_ins: [Vec<f64>; CONNECTIONS.len()],
    sign_ups: Vec<f64>,
    refused: u64,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let (rounds, seconds) = (bench.unless_quick(3, 1), bench.unless_quick(8, 4));
    let site = bench.site(ACCOUNTS, ITERATIONS)?;
    let flask = Flask::install(ACCOUNTS)?;
    let mut rivals =
        vec![Rival::new("Latchkey", site.start(ITERATIONS)?), Rival::new("Flask", flask.start()?)];
    let has_single = site.takes(&SINGLE);
    if has_single {
        rivals.push(Rival::new("Latchkey, one at a time", site.start_with(ITERATIONS, &SINGLE)?));
    }
    for round in 0..rounds {
        for at in 0..CONNECTIONS.len() {
            for rival in &mut rivals {
                rival.log_in(at, seconds)?;
            }
        }
        for rival in &mut rivals {
            rival.sign_up(round, seconds)?;
        }
    }
    let mut section = report(&rivals);
    if !has_single {
        section.note("This server cannot be told to hash one password after the other.");
    }
    Ok(section)
}

impl Rival {
    fn new(name: &'static str, server: Server) -> Self {
        Self { name, server, log_ins: Default::default(), sign_ups: Vec::new(), refused: 0 }
    }

    fn log_in(&mut self, at: usize, seconds: u64) -> Result<()> {
        let content = Content::Post(LOG_IN.to_owned(), Some(ACCOUNTS));
        let answers = self.load("/api/token", CONNECTIONS[at], seconds, content)?;
        self.log_ins[at].push(answers.rate());
        Ok(())
    }

    fn sign_up(&mut self, round: usize, seconds: u64) -> Result<()> {
        let name = self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let body =
            format!(r#"{{"email":"{name}{round}.{{n}}@example.com","password":"{PASSWORD}"}}"#);
        let answers = self.load("/api/signup", 16, seconds, Content::Post(body, None))?;
        self.sign_ups.push(answers.rate());
        Ok(())
    }

    fn load(
        &mut self,
        path: &str,
        connections: u32,
        seconds: u64,
        content: Content,
    ) -> Result<Answers> {
        let answers = Load { url: self.server.url(path), connections, seconds, content }.run()?;
        self.refused += answers.refused;
        self.server.settle()?;
        Ok(answers)
    }
}

fn report(rivals: &[Rival]) -> Section {
    let mut section = Section::new("logins");
    for (at, connections) in CONNECTIONS.iter().enumerate() {
        let connections = match connections {
            1 => "1 connection".to_owned(),
            several => format!("{several} connections"),
        };
        for rival in rivals {
            let what = format!("log-ins, {connections}: {}", rival.name);
            section.add(Row::new(what, "/s", &rival.log_ins[at]));
        }
        for rival in &rivals[1..] {
            let what = format!("log-ins, {connections}: Latchkey to {}", rival.name);
            let ratio = Row::ratio(what, &rivals[0].log_ins[at], &rival.log_ins[at]);
            let goal = if rival.name == "Flask" { 7.0 } else { 3.3 };
            section.add(if CONNECTIONS[at] == 64 {
                ratio.with(Goal::AtLeast(goal))
            } else {
                ratio
            });
        }
    }
    for rival in rivals {
        let what = format!("sign-ups, 16 connections: {}", rival.name);
        section.add(Row::new(what, "/s", &rival.sign_ups));
    }
    section.add(Row::ratio(
        "sign-ups, 16 connections: Latchkey to Flask",
        &rivals[0].sign_ups,
        &rivals[1].sign_ups,
    ));
    for rival in rivals.iter().filter(|rival| rival.refused > 0) {
        section.note(format!(
            "{} refused {} requests, which do not count.",
            rival.name, rival.refused
        ));
    }
    section
}
