//! `cargo xtask bench private`: `GET /api/me`, which verifies a token and looks up its session
//! and its user.

use std::fs;
use std::path::Path;

use anyhow::{Result, bail};

use super::client::Client;
use super::flask::Flask;
use super::load::{Content, Load};
use super::report::{Goal, Row, Section};
use super::workbench::{ITERATIONS, Workbench, token};
use crate::server::Server;
use crate::usage::cpu_seconds;

const CONNECTIONS: u32 = 16;

struct Rival {
    name: &'static str,
    server: Server,
    content: Content,
    rate: Vec<f64>,
    median: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let (rounds, seconds) = (bench.unless_quick(5, 2), bench.unless_quick(4, 2));
    let folder = tempfile::tempdir()?;
    let (site, flask) = (bench.site(1, ITERATIONS)?, Flask::install(1)?);
    let mut rivals = [
        Rival::with_token("Latchkey", site.start(ITERATIONS)?, &folder.path().join("latchkey"))?,
        Rival::new("warp alone", bench.bare()?, Content::Get),
        Rival::with_token("Flask", flask.start()?, &folder.path().join("flask"))?,
    ];
    for _ in 0..rounds {
        for rival in &mut rivals {
            rival.ask(seconds)?;
        }
    }
    Ok(report(&rivals))
}

impl Rival {
    fn new(name: &'static str, server: Server, content: Content) -> Self {
        let (rate, median, p99, cpu) = Default::default();
        Self { name, server, content, rate, median, p99, cpu }
    }

    fn with_token(name: &'static str, server: Server, file: &Path) -> Result<Self> {
        fs::write(file, token(&mut Client::connect(&server.address)?, 0)?)?;
        Ok(Self::new(name, server, Content::GetWith(file.to_owned())))
    }

    fn ask(&mut self, seconds: u64) -> Result<()> {
        let (url, content) = (self.server.url("/api/me"), self.content.clone());
        let before = cpu_seconds(self.server.id())?;
        let answers = Load { url, connections: CONNECTIONS, seconds, content }.run()?;
        let used = cpu_seconds(self.server.id())? - before;
        self.server.settle()?;
        if answers.refused > 0 {
            bail!("{} refused {} requests", self.name, answers.refused);
        }
        self.rate.push(answers.rate());
        self.median.push(answers.p50_ms);
        self.p99.push(answers.p99_ms);
        self.cpu.push(used * 1e6 / answers.good as f64);
        Ok(())
    }
}

fn report(rivals: &[Rival; 3]) -> Section {
    let mut section = Section::new("private");
    let [latchkey, bare, flask] = rivals;
    for rival in rivals {
        section.add(Row::new(format!("rate: {}", rival.name), "/s", &rival.rate));
    }
    let of_bare = Row::ratio("rate: Latchkey to warp alone", &latchkey.rate, &bare.rate);
    section.add(of_bare.with(Goal::AtLeast(0.6)));
    section.add(Row::ratio("rate: Latchkey to Flask", &latchkey.rate, &flask.rate));
    for rival in rivals {
        let cpu = Row::new(format!("processor time a request: {}", rival.name), "µs", &rival.cpu);
        let is_ours = rival.name == latchkey.name;
        section.add(if is_ours { cpu.with(Goal::AtMost(12.0)) } else { cpu });
    }
    for rival in rivals {
        section.add(Row::new(format!("median latency: {}", rival.name), "ms", &rival.median));
        section.add(Row::new(format!("99th percentile: {}", rival.name), "ms", &rival.p99));
    }
    section
}
