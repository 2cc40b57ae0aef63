//! `cargo xtask bench logins`: log-ins and sign-ups per second, compared with Flask.

use anyhow::Result;

use super::flask::Flask;
use super::load::{Content, Load, Responses};
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, PASSWORD, SIGN_IN, Workbench};
use crate::server::Server;

/// The number of accounts. The log-ins use them in turn.
const ACCOUNTS: u32 = 64;
const CONNECTIONS: [u32; 3] = [1, 16, 64];
const FLASK: &str = "Flask";
/// Options that make the server hash one password at a time: with the fastest code for a single
/// password, and with the code for processors without suitable vector instructions.
const ONE_AT_A_TIME: [(&str, [&str; 2]); 2] = [
    ("Latchkey (one at a time)", ["--hashing", "single"]),
    ("Latchkey (one at a time, portable code)", ["--hashing", "portable"]),
];

/// A server to compare, and its successful requests per second.
struct Candidate {
    name: &'static str,
    server: Server,
    /// The rates for each number of connections.
    log_ins: [Vec<f64>; CONNECTIONS.len()],
    sign_ups: Vec<f64>,
    rejected: u64,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let rounds = bench.unless_quick(3, 1);
    let seconds = bench.unless_quick(8, 4);
    let installation = bench.installation(ACCOUNTS, ITERATIONS)?;
    let flask = Flask::install(ACCOUNTS)?;
    let mut candidates = vec![
        Candidate::new("Latchkey", installation.start(ITERATIONS)?),
        Candidate::new(FLASK, flask.start()?),
    ];
    for (name, options) in ONE_AT_A_TIME {
        if installation.accepts(&options) {
            let options = [&options[..], &["--throttle", "off"]].concat();
            candidates.push(Candidate::new(name, installation.start_with(ITERATIONS, &options)?));
        }
    }
    for round in 0..rounds {
        for at in 0..CONNECTIONS.len() {
            for candidate in &mut candidates {
                candidate.log_in(at, seconds)?;
            }
        }
        for candidate in &mut candidates {
            candidate.sign_up(round, seconds)?;
        }
    }
    Ok(report(&candidates))
}

impl Candidate {
    fn new(name: &'static str, server: Server) -> Self {
        Self { name, server, log_ins: Default::default(), sign_ups: Vec::new(), rejected: 0 }
    }

    fn log_in(&mut self, at: usize, seconds: u64) -> Result<()> {
        let content = Content::Post { body: SIGN_IN.to_owned(), bodies: Some(ACCOUNTS) };
        let responses = self.load("/api/token", CONNECTIONS[at], seconds, content)?;
        self.log_ins[at].push(responses.rate());
        Ok(())
    }

    fn sign_up(&mut self, round: usize, seconds: u64) -> Result<()> {
        let name = self.name.replace(|c: char| !c.is_ascii_alphanumeric(), "");
        let body =
            format!(r#"{{"email":"{name}{round}.{{n}}@example.com","password":"{PASSWORD}"}}"#);
        let responses =
            self.load("/api/signup", 16, seconds, Content::Post { body, bodies: None })?;
        self.sign_ups.push(responses.rate());
        Ok(())
    }

    fn load(
        &mut self,
        path: &str,
        connections: u32,
        seconds: u64,
        content: Content,
    ) -> Result<Responses> {
        let responses = Load { url: self.server.url(path), connections, seconds, content }.run()?;
        self.rejected += responses.rejected;
        self.server.wait_until_idle()?;
        Ok(responses)
    }
}

/// Builds the report. The first candidate must be Latchkey.
fn report(candidates: &[Candidate]) -> Section {
    let mut section = Section::new("logins");
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        let what = match connections {
            1 => "log-ins, 1 connection".to_owned(),
            several => format!("log-ins, {several} connections"),
        };
        let has_goals = connections == 64;
        compare(&mut section, &what, candidates, has_goals, &|candidate| &candidate.log_ins[at]);
    }
    compare(&mut section, "sign-ups, 16 connections", candidates, false, &|candidate| {
        &candidate.sign_ups
    });
    for Candidate { name, rejected, .. } in
        candidates.iter().filter(|candidate| candidate.rejected > 0)
    {
        section.note(format!("{name} rejected {rejected} requests, which are not counted."));
    }
    section
}

fn compare(
    section: &mut Section,
    what: &str,
    candidates: &[Candidate],
    has_goals: bool,
    rates: &dyn Fn(&Candidate) -> &Vec<f64>,
) {
    for candidate in candidates {
        section.add(Row::new(format!("{what}: {}", candidate.name), "/s", rates(candidate)));
    }
    for candidate in &candidates[1..] {
        let what = format!("{what}: Latchkey relative to {}", candidate.name);
        let ratio = Row::ratio(what, rates(&candidates[0]), rates(candidate));
        let goal = Goal::AtLeast(if candidate.name == FLASK { 7.0 } else { 3.3 });
        section.add(if has_goals { ratio.with(goal) } else { ratio });
    }
}
