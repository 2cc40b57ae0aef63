//! `cargo xtask bench stores`: measures the same servers on SQLite and on PostgreSQL.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use anyhow::{Context as _, Result, bail};
use test_postgres::Cluster;

use super::growth::{name_of, tokens};
use super::load::{Content, Load, Responses};
use super::report::{Comparison, Goal, Row, Section};
use super::workbench::Workbench;
use crate::postgres;
use crate::process::step;
use crate::server::{Installation, Server};
use crate::usage::cpu_seconds;

/// The numbers of users, each with the maximum number of servers.
const SIZES: [(u32, usize); 3] = [(1_000, 3), (100_000, 1), (1_000_000, 1)];
/// A low number, because hashing is not measured here.
const ITERATIONS: u32 = 1_000;
const CONNECTIONS: u32 = 16;
/// The settings of the PostgreSQL server that differ from the defaults. A commit waits until it is
/// on disk.
const SETTINGS: [(&str, &str); 2] = [("shared_buffers", "1GB"), ("max_connections", "200")];
/// Servers accept the tokens of each other only if their public URLs are the same.
const PUBLIC_URL: &str = "http://localhost:8080";
/// The operations of the store, each with its name in the output of the `bench` crate and its name
/// in the report.
const OPERATIONS: [(&str, &str); 3] = [
    ("log_in", "log-ins, without the hash"),
    ("refresh", "refreshes"),
    ("sign_up", "sign-ups, without the hash"),
];

/// The servers on one database.
struct Candidate {
    /// A path or a URL.
    database: String,
    servers: Vec<Server>,
    /// Requests with the tokens of some of the users.
    requests: Content,
    /// The figures with one server, two servers and so on.
    figures: Vec<Figures>,
}

/// The figures of each round.
#[derive(Default)]
struct Figures {
    /// The rate of `GET /api/me` per second.
    me: Vec<f64>,
    /// Microseconds of the servers' processor time per `GET /api/me`.
    me_cpu: Vec<f64>,
    /// The rate of each of [`OPERATIONS`] per second.
    operations: [Vec<f64>; OPERATIONS.len()],
}

/// The candidates with the same number of users.
struct Pair {
    users: u32,
    sqlite: Candidate,
    postgres: Candidate,
}

pub(super) fn measure(bench: &Workbench) -> Result<Section> {
    postgres::ensure_installed()?;
    let directory = tempfile::tempdir()?;
    let installation = Installation::new(bench.server()?.to_owned())?;
    let cluster = Cluster::try_start(&SETTINGS)?;
    let setup = Setup { bench, directory: directory.path(), installation: &installation };
    let sizes = if bench.is_quick() { &SIZES[..2] } else { &SIZES[..] };
    let mut pairs = Vec::new();
    for &(users, servers) in sizes {
        let path = directory.path().join(format!("{users}.db"));
        let url = cluster.url(&cluster.create_database(None));
        pairs.push(Pair {
            users,
            sqlite: setup.candidate(path.to_string_lossy().into_owned(), users, servers)?,
            postgres: setup.candidate(url, users, servers)?,
        });
    }
    for _ in 0..bench.unless_quick(5, 2) {
        for pair in &mut pairs {
            for servers in 1..=pair.sqlite.servers.len() {
                for candidate in [&mut pair.sqlite, &mut pair.postgres] {
                    candidate.measure_requests(bench, servers)?;
                    candidate.measure_store(bench, pair.users, servers)?;
                }
            }
        }
    }
    Ok(report(&pairs))
}

/// Creates candidates.
struct Setup<'a> {
    bench: &'a Workbench,
    directory: &'a Path,
    installation: &'a Installation,
}

impl Setup<'_> {
    fn candidate(&self, database: String, users: u32, servers: usize) -> Result<Candidate> {
        let iterations = ITERATIONS.to_string();
        step(&format!("creating {users} users in {database}"), || {
            let count = users.to_string();
            self.bench.measure(&["fill", &database, &count, "--iterations", &iterations])
        })?;
        let options = [
            ["--database", &database],
            ["--public-url", PUBLIC_URL],
            ["--throttle", "off"],
            ["--access-token-lifetime", "1h"],
        ];
        let start = |_| self.installation.start_with(ITERATIONS, options.as_flattened());
        let running: Vec<_> = (0..servers).map(start).collect::<Result<_>>()?;
        let file = self.token_file(&running[0], users)?;
        Ok(Candidate {
            database,
            servers: running,
            requests: Content::GetWith(file),
            figures: (0..servers).map(|_| Figures::default()).collect(),
        })
    }

    /// Writes the tokens of some of the users to a file.
    fn token_file(&self, server: &Server, users: u32) -> Result<PathBuf> {
        let max_tokens = self.bench.unless_quick(1_000, 200);
        let file = self.directory.join(format!("tokens-{}", server.id()));
        fs::write(&file, tokens(server, users, max_tokens)?.join("\n"))?;
        Ok(file)
    }
}

impl Candidate {
    /// Sends requests to the first servers, to all of them at the same time.
    fn measure_requests(&mut self, bench: &Workbench, servers: usize) -> Result<()> {
        let chosen = &self.servers[..servers];
        let before = cpu_of(chosen)?;
        let responses: Vec<Responses> = thread::scope(|scope| {
            let loads = chosen.iter().map(|server| Load {
                url: server.url("/api/me"),
                connections: CONNECTIONS,
                seconds: bench.unless_quick(3, 1),
                content: self.requests.clone(),
            });
            let threads: Vec<_> = loads.map(|load| scope.spawn(move || load.run())).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, Result<Responses>>| {
                thread.join().ok().context("a thread panicked")?
            };
            threads.into_iter().map(join).collect::<Result<_>>()
        })?;
        let used = cpu_of(chosen)? - before;
        if responses.iter().any(|responses| responses.rejected > 0) {
            bail!("a server on {} rejected requests", self.database);
        }
        let figures = &mut self.figures[servers - 1];
        figures.me.push(responses.iter().map(Responses::rate).sum());
        let count: u64 = responses.iter().map(|responses| responses.succeeded).sum();
        figures.me_cpu.push(used * 1e6 / count as f64);
        Ok(())
    }

    /// Measures the operations of as many stores as there would be servers.
    fn measure_store(&mut self, bench: &Workbench, users: u32, servers: usize) -> Result<()> {
        let (users, count) = (users.to_string(), servers.to_string());
        let millis = bench.unless_quick("1000", "400");
        let args = ["store", &self.database, &users, "--servers", &count, "--millis", millis];
        let result = bench.measure(&args)?;
        for ((name, _), rates) in OPERATIONS.iter().zip(&mut self.figures[servers - 1].operations) {
            rates.push(
                result[name]["rate"]
                    .as_f64()
                    .with_context(|| format!("the output of `bench store` has no `{name}`"))?,
            );
        }
        Ok(())
    }
}

fn cpu_of(servers: &[Server]) -> Result<f64> {
    servers.iter().map(|server| cpu_seconds(server.id())).sum()
}

fn report(pairs: &[Pair]) -> Section {
    let mut section = Section::new("stores");
    let first = &pairs[0];
    let (sqlite, postgres) = (&first.sqlite.figures[0], &first.postgres.figures[0]);
    let name = "rate of `GET /api/me`: PostgreSQL relative to SQLite";
    section.add(Row::ratio(name, &postgres.me, &sqlite.me).with(Goal::AtLeast(0.4)));
    let name = "processor time of the server per `GET /api/me`: PostgreSQL";
    section.add(Row::new(name, "µs", &postgres.me_cpu).with(Goal::AtMost(30.0)));
    let name = "processor time of the server per `GET /api/me`: SQLite";
    section.add(Row::new(name, "µs", &sqlite.me_cpu));
    let mut compare = |what: &str, of: &dyn Fn(&Figures) -> &Vec<f64>| {
        for pair in pairs {
            let figures = pair.sqlite.figures.iter().zip(&pair.postgres.figures);
            for ((sqlite, postgres), servers) in figures.zip(["1 server", "2 servers", "3 servers"])
            {
                section.compare(Comparison {
                    what: format!("{what}, {} users, {servers}", name_of(pair.users)),
                    unit: "/s",
                    values: [("SQLite", of(sqlite).clone()), ("PostgreSQL", of(postgres).clone())],
                });
            }
        }
    };
    compare("`GET /api/me`", &|figures| &figures.me);
    for (at, (_, what)) in OPERATIONS.iter().enumerate() {
        compare(what, &|figures| &figures.operations[at]);
    }
    section
}
