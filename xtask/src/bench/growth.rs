//! `cargo xtask bench growth`: what the store does, and whether it does less the more users
//! there are.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::client::Client;
use super::load::{Content, Load};
use super::report::{Goal, Row, Section};
use super::workbench::{Workbench, token};
use crate::process::step;
use crate::server::{Server, Site};

const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
/// As little hashing as can be had: it is not what is measured here.
const ITERATIONS: u32 = 1_000;
/// The operations of the store, as the helper calls them and as they are called here.
const OPERATIONS: [(&str, &str); 3] = [
    ("look_up", "look-ups of a session"),
    ("log_in", "log-ins, without the hash"),
    ("log_in_and_refresh", "log-ins and renewals, without the hash"),
];

/// A server with so many users.
struct Town {
    users: u32,
    site: Site,
    server: Server,
    tokens: Content,
    me: Vec<f64>,
    operations: [Vec<f64>; OPERATIONS.len()],
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let rounds = bench.unless_quick(5, 2);
    let folder = tempfile::tempdir()?;
    let sizes = if bench.is_quick() { &SIZES[..2] } else { &SIZES[..] };
    let towns = sizes.iter().map(|users| Town::found(bench, *users, folder.path()));
    let mut towns = towns.collect::<Result<Vec<_>>>()?;
    for _ in 0..rounds {
        for town in &mut towns {
            town.ask(bench)?;
            town.work(bench)?;
        }
    }
    Ok(report(&towns))
}

impl Town {
    fn found(bench: &Workbench, users: u32, folder: &Path) -> Result<Self> {
        let site = step(&format!("making {users} users"), || bench.site(users, ITERATIONS))?;
        let server = site.start_with(ITERATIONS, &["--access-token-lifetime", "1h"])?;
        let file = folder.join(users.to_string());
        let many = bench.unless_quick(1_000, 200);
        fs::write(&file, tokens(&server, users, many)?.join("\n"))?;
        let tokens = Content::GetWith(file);
        Ok(Self { users, site, server, tokens, me: Vec::new(), operations: Default::default() })
    }

    fn ask(&mut self, bench: &Workbench) -> Result<()> {
        let (url, content) = (self.server.url("/api/me"), self.tokens.clone());
        let seconds = bench.unless_quick(3, 1);
        let answers = Load { url, connections: 16, seconds, content }.run()?;
        self.me.push(answers.rate());
        Ok(())
    }

    fn work(&mut self, bench: &Workbench) -> Result<()> {
        let (database, users) = (self.site.database(), self.users.to_string());
        let millis = bench.unless_quick("1000", "400");
        let args = ["store", &database.to_string_lossy(), &users, "--millis", millis];
        let found = bench.measure(&args)?;
        for ((name, _), rates) in OPERATIONS.iter().zip(&mut self.operations) {
            rates.push(found[name].as_f64().with_context(|| format!("no {name}"))?);
        }
        Ok(())
    }
}

/// Tokens of users from all over the file.
fn tokens(server: &Server, users: u32, many: u32) -> Result<Vec<String>> {
    let mut client = Client::connect(&server.address)?;
    let spread = users / many.min(users);
    (0..many.min(users)).map(|n| token(&mut client, n * spread)).collect()
}

fn report(towns: &[Town]) -> Section {
    let mut section = Section::new("growth");
    let mut rates = |what: &str, has_goal: bool, of: &dyn Fn(&Town) -> Vec<f64>| {
        for town in towns {
            section.add(Row::new(format!("{what}, {} users", town.name()), "/s", &of(town)));
        }
        let (least, most) = (&towns[0], &towns[towns.len() - 1]);
        let name = format!("{what}, {} users to {}", most.name(), least.name());
        let ratio = Row::ratio(name, &of(most), &of(least));
        section.add(if has_goal { ratio.with(Goal::AtLeast(0.9)) } else { ratio });
    };
    rates("`GET /api/me`", true, &|town| town.me.clone());
    for (at, (name, what)) in OPERATIONS.iter().enumerate() {
        // The first is what `GET /api/me` asks of the store.
        rates(what, *name == "log_in", &|town| town.operations[at].clone());
    }
    section
}

impl Town {
    fn name(&self) -> &'static str {
        match self.users {
            1_000 => "10³",
            100_000 => "10⁵",
            _ => "10⁶",
        }
    }
}
