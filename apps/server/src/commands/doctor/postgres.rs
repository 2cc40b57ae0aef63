use std::time::Duration;

use accounts::Timestamp;
use user_store::{
    PostgresConfig, PostgresInspection, PostgresOpenError, PostgresRole, PostgresSchema,
    PostgresServer, PostgresStore, PostgresTls,
};

use super::report::Finding;
use crate::output::count;
use crate::postgres::{clock_difference, unencrypted};

const DATABASE: &str = "database";
const ROLE: &str = "role";
const CONNECTIONS: &str = "connections";
const DURABILITY: &str = "durability";
const TIMEOUTS: &str = "timeouts";
const ROUND_TRIP: &str = "round trip";

/// The round trip time above which there is a warning. A log-in takes up to eight round trips.
const SLOW_ROUND_TRIP: Duration = Duration::from_millis(5);

/// Checks a PostgreSQL database, its server, and the role of the connection.
pub(super) fn findings(
    config: &PostgresConfig,
    inspected: &Result<PostgresInspection, PostgresOpenError>,
    now: Timestamp,
) -> Vec<Finding> {
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(error) => return vec![Finding::fail(DATABASE, error.to_string())],
    };
    let server = &inspection.server;
    vec![
        schema(&config.location(), inspection),
        writable(server),
        encoding(&server.encoding),
        tls(config, server),
        role(&inspection.role, inspection.schema),
        durability(server),
        connections(server, &inspection.role, inspection.latchkey_servers.len()),
        timeouts(server, &inspection.role.name),
        round_trip(server.round_trip),
        clocks(server, now),
        servers(&inspection.latchkey_servers),
    ]
}

fn schema(location: &str, inspection: &PostgresInspection) -> Finding {
    let version = &inspection.server.version;
    let at = format!("{location} (PostgreSQL {version})");
    match inspection.schema {
        PostgresSchema::Current => {
            Finding::ok(DATABASE, format!("{at} has the schema of this version"))
        }
        PostgresSchema::NewerUsable => Finding::warn(
            DATABASE,
            format!("{at} has the schema of a newer version; upgrade this server soon"),
        ),
        PostgresSchema::Older => Finding::warn(
            DATABASE,
            format!(
                "{at} has the schema of an older version; back it up, then run latchkey migrate as the owner of the tables"
            ),
        ),
        PostgresSchema::Absent => Finding::fail(
            DATABASE,
            format!(
                "{at} has no tables of Latchkey; run latchkey migrate as their future owner, or start the server as a role that may create them"
            ),
        ),
        PostgresSchema::UnfinishedCopy => Finding::fail(
            DATABASE,
            format!(
                "{at} is an unfinished copy of another database; run the same latchkey migrate-store command again to complete it"
            ),
        ),
        PostgresSchema::Newer => Finding::fail(
            DATABASE,
            format!(
                "{at} has the schema of a newer version, which this version cannot use; use the newer version"
            ),
        ),
    }
}

fn writable(server: &PostgresServer) -> Finding {
    const ACCESS: &str = "access";
    if server.is_in_recovery {
        let text = "the server is a standby, which cannot be written; name the primary in the URL, or all servers with target_session_attrs=read-write";
        return Finding::fail(ACCESS, text);
    }
    if server.is_read_only {
        let text = "transactions are read-only; set default_transaction_read_only to off for the server, the database and the role";
        return Finding::fail(ACCESS, text);
    }
    Finding::ok(ACCESS, "the server is a primary and accepts changes")
}

fn encoding(encoding: &str) -> Finding {
    const ENCODING: &str = "encoding";
    match encoding {
        "UTF8" => Finding::ok(ENCODING, "the encoding of the database is UTF8"),
        other => Finding::fail(
            ENCODING,
            format!(
                "the encoding of the database is {other}, which cannot store every email address; create a database with the encoding UTF8"
            ),
        ),
    }
}

fn tls(config: &PostgresConfig, server: &PostgresServer) -> Finding {
    const TLS: &str = "tls";
    if let Some(warning) = unencrypted(config, server) {
        return Finding::warn(TLS, warning);
    }
    match (&server.tls, config.tls()) {
        (Some(version), _) => {
            Finding::ok(TLS, format!("the connection is encrypted with {version}"))
        }
        (None, PostgresTls::Verified | PostgresTls::ChainVerified) => Finding::ok(
            TLS,
            "the connection is encrypted up to a proxy, such as PgBouncer; make sure that the connection behind it is encrypted or local",
        ),
        (None, _) => Finding::ok(TLS, "the connection is not encrypted, and stays on this machine"),
    }
}

fn role(role: &PostgresRole, schema: PostgresSchema) -> Finding {
    let name = &role.name;
    if !role.missing_privileges.is_empty() {
        let missing = role.missing_privileges.join(", ");
        return Finding::fail(
            ROLE,
            format!(
                "the role {name} lacks {missing}; run latchkey migrate as the owner of the tables, which grants them to latchkey_app, or grant them with SQL"
            ),
        );
    }
    if role.is_superuser {
        return Finding::warn(
            ROLE,
            format!(
                "the role {name} is a superuser, which can read every database and run programs on the server; use latchkey_app, which latchkey migrate --print-roles creates"
            ),
        );
    }
    let may = match (role.can_create, schema) {
        (true, _) => "can create and change tables",
        (false, PostgresSchema::Absent) => "cannot create tables",
        (false, _) => "can read and write the tables, but not change them",
    };
    Finding::ok(ROLE, format!("the role {name} {may}"))
}

/// Checks that a change is on the disk before it is acknowledged.
fn durability(server: &PostgresServer) -> Finding {
    if server.fsync == Some(false) {
        let text = "fsync is off, so a crash of the machine can destroy the database; set fsync = on in postgresql.conf";
        return Finding::fail(DURABILITY, text);
    }
    match server.synchronous_commit.as_deref() {
        Some("off") => Finding::warn(
            DURABILITY,
            "synchronous_commit is off, so a crash of the server can undo the last acknowledged changes: accounts can be lost, and ended sessions become active again; set it to on",
        ),
        Some(value) => Finding::ok(
            DURABILITY,
            format!(
                "changes are on disk before they are acknowledged (synchronous_commit is {value})"
            ),
        ),
        None => {
            Finding::ok(DURABILITY, "the server has no setting that makes commits asynchronous")
        }
    }
}

/// Checks that the connections of all servers fit.
fn connections(server: &PostgresServer, role: &PostgresRole, running: usize) -> Finding {
    let each = u32::try_from(PostgresStore::MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let available = match role.connection_limit {
        Some(limit) => server.max_connections.min(limit),
        None => server.max_connections,
    };
    let fit = available / each;
    let text = format!(
        "a Latchkey server uses up to {each} of {available} connections, so {} fit; {} in use",
        count(fit as usize, "server"),
        count(server.connections as usize, "connection")
    );
    const FIX: &str = "raise max_connections or the connection limit of the role, or use PgBouncer";
    if fit == 0 {
        return Finding::fail(CONNECTIONS, format!("{text}; {FIX}"));
    }
    if running > fit as usize {
        return Finding::warn(
            CONNECTIONS,
            format!("{text}, and {running} servers are running; {FIX}"),
        );
    }
    Finding::ok(CONNECTIONS, text)
}

/// Checks that the server ends statements, lock waits and idle transactions that take too long.
fn timeouts(server: &PostgresServer, role: &str) -> Finding {
    let settings = [
        ("statement_timeout", server.statement_timeout, "5s"),
        ("lock_timeout", server.lock_timeout, "3s"),
        ("idle_in_transaction_session_timeout", server.idle_in_transaction_timeout, "10s"),
    ];
    let missing: Vec<_> = settings.iter().filter(|(_, value, _)| value.is_zero()).collect();
    if missing.is_empty() {
        let values: Vec<_> =
            settings.iter().map(|(name, value, _)| format!("{name} {value:?}")).collect();
        return Finding::ok(TIMEOUTS, values.join(", "));
    }
    let names: Vec<_> = missing.iter().map(|(name, ..)| *name).collect();
    let fixes: Vec<_> = missing
        .iter()
        .map(|(name, _, value)| format!("ALTER ROLE {role} SET {name} = '{value}'"))
        .collect();
    Finding::warn(
        TIMEOUTS,
        format!(
            "the connection has no {}, for example because PgBouncer ignores startup options, so a query that hangs can block others; run {}",
            names.join(", "),
            fixes.join("; ")
        ),
    )
}

fn round_trip(time: Duration) -> Finding {
    let text = format!("a round trip to the database takes {time:.1?}");
    if time > SLOW_ROUND_TRIP {
        return Finding::warn(
            ROUND_TRIP,
            format!(
                "{text}, and a log-in waits for up to eight of them, some while it holds locks; move this server closer to the database"
            ),
        );
    }
    Finding::ok(ROUND_TRIP, text)
}

fn clocks(server: &PostgresServer, now: Timestamp) -> Finding {
    const CLOCKS: &str = "clocks";
    match clock_difference(server, now) {
        Some(warning) => Finding::warn(CLOCKS, warning),
        None => Finding::ok(CLOCKS, "this machine and the PostgreSQL server agree on the time"),
    }
}

/// Reports the running servers of Latchkey, and whether their versions differ.
fn servers(versions: &[String]) -> Finding {
    const SERVERS: &str = "servers";
    let mut different = versions.to_vec();
    different.sort();
    different.dedup();
    let text = format!("{} used the database in the last minute", count(versions.len(), "server"));
    match &different[..] {
        [] => Finding::ok(SERVERS, "no server used the database in the last minute"),
        [version] => Finding::ok(SERVERS, format!("{text} (version {version})")),
        several => Finding::warn(
            SERVERS,
            format!("{text}, with versions {}; complete the upgrade", several.join(", ")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use user_store::MailCounts;

    use super::super::report::Level::{self, Fail, Ok, Warn};
    use super::*;

    fn now() -> Timestamp {
        Timestamp::constant(1_800_000_000, 0)
    }

    fn config(server: &str) -> PostgresConfig {
        PostgresConfig::parse(&format!("postgres://ada:hunter2@{server}")).unwrap()
    }

    fn sound() -> PostgresInspection {
        PostgresInspection {
            server: PostgresServer {
                version: "15.18".to_owned(),
                encoding: "UTF8".to_owned(),
                tls: None,
                is_in_recovery: false,
                is_read_only: false,
                fsync: Some(true),
                synchronous_commit: Some("on".to_owned()),
                max_connections: 97,
                connections: 3,
                statement_timeout: Duration::from_secs(5),
                lock_timeout: Duration::from_secs(3),
                idle_in_transaction_timeout: Duration::from_secs(10),
                round_trip: Duration::from_micros(100),
                time: now(),
            },
            role: PostgresRole {
                name: "latchkey_app".to_owned(),
                is_superuser: false,
                can_create: false,
                connection_limit: None,
                missing_privileges: Vec::new(),
            },
            schema: PostgresSchema::Current,
            newest: None,
            max_hash_memory: 0,
            mails: MailCounts::default(),
            unusable_hashes: 0,
            latchkey_servers: vec!["0.1.0".to_owned(); 2],
        }
    }

    /// Returns the only finding that is not `ok` after a change of a sound database.
    fn problem(change: impl FnOnce(&mut PostgresInspection)) -> (Level, &'static str, String) {
        let mut inspection = sound();
        change(&mut inspection);
        let found = findings(&config("localhost/x"), &Result::Ok(inspection), now());
        let mut problems = found.into_iter().filter(|finding| finding.level != Ok);
        let Some(Finding { level, check, text }) = problems.next() else {
            unreachable!("no problem was found")
        };
        assert_eq!(problems.next(), None);
        (level, check, text)
    }

    #[test]
    fn a_sound_database_is_ok() {
        let found = findings(&config("localhost/x"), &Result::Ok(sound()), now());
        assert!(found.iter().all(|finding| finding.level == Ok), "{found:?}");
        assert!(found.iter().all(|finding| !finding.text.contains("hunter2")), "{found:?}");
    }

    #[test]
    fn each_problem_is_found_and_says_how_to_fix_it() {
        type Change = fn(&mut PostgresInspection);
        let changes: [(Change, Level, &str, &str); 19] = [
            (|it| it.schema = PostgresSchema::Older, Warn, DATABASE, "latchkey migrate"),
            (|it| it.schema = PostgresSchema::Absent, Fail, DATABASE, "latchkey migrate"),
            (|it| it.schema = PostgresSchema::UnfinishedCopy, Fail, DATABASE, "migrate-store"),
            (|it| it.schema = PostgresSchema::NewerUsable, Warn, DATABASE, "upgrade"),
            (|it| it.schema = PostgresSchema::Newer, Fail, DATABASE, "newer version"),
            (|it| it.server.is_in_recovery = true, Fail, "access", "primary"),
            (|it| it.server.is_read_only = true, Fail, "access", "default_transaction_read_only"),
            (|it| it.server.encoding = "SQL_ASCII".to_owned(), Fail, "encoding", "UTF8"),
            (|it| it.role.is_superuser = true, Warn, ROLE, "--print-roles"),
            (
                |it| it.role.missing_privileges = vec!["UPDATE on sessions".to_owned()],
                Fail,
                ROLE,
                "UPDATE on sessions",
            ),
            (|it| it.server.fsync = Some(false), Fail, DURABILITY, "fsync = on"),
            (
                |it| it.server.synchronous_commit = Some("off".to_owned()),
                Warn,
                DURABILITY,
                "accounts can be lost",
            ),
            (|it| it.server.max_connections = 3, Fail, CONNECTIONS, "max_connections"),
            (|it| it.role.connection_limit = Some(2), Fail, CONNECTIONS, "connection limit"),
            (
                |it| it.latchkey_servers = vec!["0.1.0".to_owned(); 98],
                Warn,
                CONNECTIONS,
                "98 servers are running",
            ),
            (
                |it| it.server.lock_timeout = Duration::ZERO,
                Warn,
                TIMEOUTS,
                "ALTER ROLE latchkey_app SET lock_timeout = '3s'",
            ),
            (
                |it| it.server.round_trip = Duration::from_millis(6),
                Warn,
                ROUND_TRIP,
                "closer to the database",
            ),
            (|it| it.server.time = now() + Duration::from_secs(2), Warn, "clocks", "2.0 s behind"),
            (
                |it| it.latchkey_servers = vec!["0.1.0".to_owned(), "0.2.0".to_owned()],
                Warn,
                "servers",
                "0.1.0, 0.2.0",
            ),
        ];
        for (change, level, check, part) in changes {
            let (found_level, found_check, text) = problem(change);
            assert_eq!((found_level, found_check), (level, check), "{text}");
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_difference_of_clocks_below_a_second_is_ok() {
        let mut server = sound().server;
        for (millis, level) in [(999, Ok), (1_000, Warn)] {
            let difference = Duration::from_millis(millis);
            for time in [now() + difference, now() - difference] {
                server.time = time;
                assert_eq!(clocks(&server, now()).level, level, "{time}");
            }
        }
    }

    #[test]
    fn an_unencrypted_connection_is_a_warning_unless_it_is_local() {
        let mut server = sound().server;
        let remote = config("db.example/x?sslmode=disable");
        assert_eq!(tls(&remote, &server).level, Warn);
        assert_eq!(tls(&config("localhost/x"), &server).level, Ok);
        server.tls = Some("TLSv1.3".to_owned());
        let found = tls(&config("db.example/x"), &server);
        assert!(found.level == Ok && found.text.contains("TLSv1.3"), "{}", found.text);
    }

    #[test]
    fn a_database_that_cannot_be_opened_fails_with_one_finding() {
        let error = PostgresOpenError::NoSchema("postgres://localhost/x".to_owned());
        let found = findings(&config("localhost/x"), &Err(error), now());
        assert_eq!((found.len(), found[0].level), (1, Fail));
    }
}
