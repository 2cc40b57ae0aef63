//! `cargo xtask bench growth`: the rates of store operations with up to a million users.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use super::client::Client;
use super::load::{Content, Load};
use super::report::{Goal, Row, Section};
use super::workbench::{Workbench, sign_in};
use crate::process::step;
use crate::server::{Installation, Server};

const SIZES: [u32; 3] = [1_000, 100_000, 1_000_000];
/// A low number, because hashing is not measured here.
const ITERATIONS: u32 = 1_000;
/// The operations of the store, each with its name in the output of the `bench` crate and its name
/// in the report.
const OPERATIONS: [(&str, &str); 3] = [
    ("look_up", "session lookups"),
    ("log_in", "log-ins, without the hash"),
    ("refresh", "refreshes"),
];

/// A server with a number of users, and its rates.
struct Population {
    users: u32,
    installation: Installation,
    server: Server,
    /// Requests with the tokens of some of the users.
    requests: Content,
    /// The rate of `GET /api/me` per second.
    me: Vec<f64>,
    /// The rate of each of [`OPERATIONS`] per second.
    operations: [Vec<f64>; OPERATIONS.len()],
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    let rounds = bench.unless_quick(5, 2);
    let directory = tempfile::tempdir()?;
    let sizes = if bench.is_quick() { &SIZES[..2] } else { &SIZES[..] };
    let populations = sizes.iter().map(|users| Population::create(bench, *users, directory.path()));
    let mut populations = populations.collect::<Result<Vec<_>>>()?;
    for _ in 0..rounds {
        for population in &mut populations {
            population.measure_requests(bench)?;
            population.measure_store(bench)?;
        }
    }
    Ok(report(&populations))
}

impl Population {
    fn create(bench: &Workbench, users: u32, directory: &Path) -> Result<Self> {
        let installation =
            step(&format!("creating {users} users"), || bench.installation(users, ITERATIONS))?;
        let server = installation
            .start_with(ITERATIONS, &["--throttle", "off", "--access-token-lifetime", "1h"])?;
        let file = directory.join(users.to_string());
        let max_tokens = bench.unless_quick(1_000, 200);
        fs::write(&file, tokens(&server, users, max_tokens)?.join("\n"))?;
        Ok(Self {
            users,
            installation,
            server,
            requests: Content::GetWith(file),
            me: Vec::new(),
            operations: Default::default(),
        })
    }

    fn measure_requests(&mut self, bench: &Workbench) -> Result<()> {
        let load = Load {
            url: self.server.url("/api/me"),
            connections: 16,
            seconds: bench.unless_quick(3, 1),
            content: self.requests.clone(),
        };
        self.me.push(load.run()?.rate());
        Ok(())
    }

    fn measure_store(&mut self, bench: &Workbench) -> Result<()> {
        let database = self.installation.database();
        let users = self.users.to_string();
        let millis = bench.unless_quick("1000", "400");
        let args = ["store", &database.to_string_lossy(), &users, "--millis", millis];
        let result = bench.measure(&args)?;
        for ((name, _), rates) in OPERATIONS.iter().zip(&mut self.operations) {
            rates.push(
                result[name]["rate"]
                    .as_f64()
                    .with_context(|| format!("the output of `bench store` has no `{name}`"))?,
            );
        }
        Ok(())
    }
}

/// Signs in as up to `max` users, spread evenly over the database. Returns their access tokens.
pub(super) fn tokens(server: &Server, users: u32, max: u32) -> Result<Vec<String>> {
    let mut client = Client::connect(&server.address)?;
    let count = max.min(users);
    let step = users / count;
    (0..count).map(|n| sign_in(&mut client, n * step)).collect()
}

fn report(populations: &[Population]) -> Section {
    let mut section = Section::new("growth");
    let mut rates = |what: &str, has_goal: bool, of: &dyn Fn(&Population) -> Vec<f64>| {
        for population in populations {
            section.add(Row::new(
                format!("{what}, {} users", name_of(population.users)),
                "/s",
                &of(population),
            ));
        }
        let smallest = &populations[0];
        let largest = &populations[populations.len() - 1];
        let name = format!(
            "{what}, {} relative to {} users",
            name_of(largest.users),
            name_of(smallest.users)
        );
        let ratio = Row::ratio(name, &of(largest), &of(smallest));
        section.add(if has_goal { ratio.with(Goal::AtLeast(0.9)) } else { ratio });
    };
    rates("`GET /api/me`", true, &|population| population.me.clone());
    for (at, (name, what)) in OPERATIONS.iter().enumerate() {
        // Lookups have no goal of their own, because `GET /api/me` has one.
        rates(what, *name == "log_in", &|population| population.operations[at].clone());
    }
    section
}

/// Returns the name of a number of users in the report.
pub(super) const fn name_of(users: u32) -> &'static str {
    match users {
        1_000 => "10³",
        100_000 => "10⁵",
        _ => "10⁶",
    }
}
