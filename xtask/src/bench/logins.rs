//! `cargo xtask bench logins`: log-ins and sign-ups a second.

use anyhow::Result;

use super::flask::Flask;
use super::load::{Answers, Content, Load};
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, LOG_IN, PASSWORD, Workbench};
use crate::server::Server;

/// How many accounts log in in turn.
const ACCOUNTS: u32 = 64;
const CONNECTIONS: [u32; 3] = [1, 16, 64];
const FLASK: &str = "Flask";
/// What makes the server hash one password after the other: as fast as one can be hashed, and
/// as a machine does that has nothing for several.
const ONE_AT_A_TIME: [(&str, [&str; 2]); 2] = [
    ("Latchkey, one at a time", ["--hashing", "single"]),
    ("Latchkey, one at a time, portably", ["--hashing", "portable"]),
];

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
        vec![Rival::new("Latchkey", site.start(ITERATIONS)?), Rival::new(FLASK, flask.start()?)];
    for (name, options) in ONE_AT_A_TIME {
        if site.takes(&options) {
            rivals.push(Rival::new(name, site.start_with(ITERATIONS, &options)?));
        }
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
    Ok(report(&rivals))
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

/// Latchkey is the first, and Flask the second.
fn report(rivals: &[Rival]) -> Section {
    let mut section = Section::new("logins");
    for (at, connections) in CONNECTIONS.into_iter().enumerate() {
        let what = match connections {
            1 => "log-ins, 1 connection".to_owned(),
            several => format!("log-ins, {several} connections"),
        };
        let has_goals = connections == 64;
        compare(&mut section, &what, rivals, has_goals, &|rival| &rival.log_ins[at]);
    }
    compare(&mut section, "sign-ups, 16 connections", rivals, false, &|rival| &rival.sign_ups);
    for Rival { name, refused, .. } in rivals.iter().filter(|rival| rival.refused > 0) {
        section.note(format!("{name} refused {refused} requests, which do not count."));
    }
    section
}

fn compare(
    section: &mut Section,
    what: &str,
    rivals: &[Rival],
    has_goals: bool,
    rates: &dyn Fn(&Rival) -> &Vec<f64>,
) {
    for rival in rivals {
        section.add(Row::new(format!("{what}: {}", rival.name), "/s", rates(rival)));
    }
    for rival in &rivals[1..] {
        let what = format!("{what}: Latchkey to {}", rival.name);
        let ratio = Row::ratio(what, rates(&rivals[0]), rates(rival));
        let goal = Goal::AtLeast(if rival.name == FLASK { 7.0 } else { 3.3 });
        section.add(if has_goals { ratio.with(goal) } else { ratio });
    }
}
