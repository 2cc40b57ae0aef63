use proptest::prelude::*;

use super::*;

fn parse(url: &str) -> PostgresConfig {
    PostgresConfig::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn rejection(url: &str) -> InvalidPostgresUrl {
    match PostgresConfig::parse(url) {
        Ok(config) => panic!("{url} was accepted as {config}"),
        Err(error) => error,
    }
}

#[test]
fn urls_of_libpq_are_parsed() {
    use PostgresTls::{ChainVerified, Local, Unencrypted, Verified};

    let cases = [
        ("postgres://u:pw@db.example.com/app", "postgres://u@db.example.com:5432/app", Verified),
        ("postgresql://u:pw@db:6432/app", "postgres://u@db:6432/app", Verified),
        ("postgres://u@10.0.0.1/app?sslmode=require", "postgres://u@10.0.0.1:5432/app", Verified),
        ("postgres://u@db/app?sslmode=verify-full", "postgres://u@db:5432/app", Verified),
        (
            "postgres://u@db/app?sslmode=verify-ca&sslrootcert=/ca.pem",
            "postgres://u@db:5432/app",
            ChainVerified,
        ),
        ("postgres://u@db/app?sslmode=disable", "postgres://u@db:5432/app", Unencrypted),
        ("postgres://u@localhost/app", "postgres://u@localhost:5432/app", Local),
        ("postgres://u@127.8.0.1/app", "postgres://u@127.8.0.1:5432/app", Local),
        ("postgres://u@[::1]:5433/app", "postgres://u@[::1]:5433/app", Local),
        ("postgres://u@[2001:db8::1]/app", "postgres://u@[2001:db8::1]:5432/app", Verified),
        (
            "postgres://u@localhost/app?sslmode=verify-full",
            "postgres://u@localhost:5432/app",
            Verified,
        ),
        (
            "postgres://u@localhost/app?sslrootcert=/ca.pem",
            "postgres://u@localhost:5432/app",
            Verified,
        ),
        (
            "postgres://u@localhost/app?channel_binding=require",
            "postgres://u@localhost:5432/app",
            Verified,
        ),
        ("postgres://u@h1:1,h2:2,h3/app", "postgres://u@h1:1,h2:2,h3:5432/app", Verified),
        ("postgres://u@localhost,db/app", "postgres://u@localhost:5432,db:5432/app", Verified),
        (
            "postgres://u@localhost,db/app?sslmode=disable",
            "postgres://u@localhost:5432,db:5432/app",
            Unencrypted,
        ),
        ("postgres:///app?host=/run/postgresql", "postgres://%2Frun%2Fpostgresql:5432/app", Local),
        ("postgres://u@/app?host=/run/pg&port=5433", "postgres://u@%2Frun%2Fpg:5433/app", Local),
        ("postgres://u:pw@%2Frun%2Fpg/app", "postgres://u@%2Frun%2Fpg:5432/app", Local),
        ("postgres:///app?host=h1,h2&port=1,2", "postgres://h1:1,h2:2/app", Verified),
        ("postgres:///app?host=h1,h2&port=7", "postgres://h1:7,h2:7/app", Verified),
        ("postgres://a%40b:p%3Aw@db/my%2Fapp", "postgres://a%40b@db:5432/my%2Fapp", Verified),
        ("postgres://:pw@db/app", "postgres://db:5432/app", Verified),
    ];
    for (url, location, tls) in cases {
        let config = parse(url);
        assert_eq!(config.location(), location, "{url}");
        assert_eq!(config.tls(), tls, "{url}");
        let again = parse(&location.replace("postgres://", "postgresql://"));
        assert_eq!(again.location(), location, "a location is a URL without password");
    }
}

#[test]
fn other_spellings_of_loopback_are_not_local() {
    for host in ["127.1", "2130706433", "0.0.0.0", "localhost.example.com", "128.0.0.1"] {
        assert_eq!(parse(&format!("postgres://u@{host}/app")).tls(), PostgresTls::Verified);
    }
}

#[test]
fn wrong_urls_are_rejected() {
    use InvalidPostgresUrl as E;

    let value = |parameter, expected| E::Value { parameter, expected };
    let cases = [
        ("", E::Scheme),
        ("latchkey.db", E::Scheme),
        ("mysql://u@db/app", E::Scheme),
        ("POSTGRES://u@db/app", E::Scheme),
        ("postgres://", E::NoHost),
        ("postgres:///app", E::NoHost),
        ("postgres://u@h1,,h2/app", E::Host),
        ("postgres://u@db", E::NoDatabase),
        ("postgres://u@db/", E::NoDatabase),
        ("postgres://u@db/?sslmode=disable", E::NoDatabase),
        ("postgres://u@::1/app", E::Host),
        ("postgres://u@::1:5432/app", E::Host),
        ("postgres://u@[::1/app", E::Host),
        ("postgres://u@[db]/app", E::Host),
        ("postgres://u@[::1]5432/app", E::Host),
        ("postgres://u@d%20b/app", E::Host),
        ("postgres://u@db:0/app", E::Port),
        ("postgres://u@db:65536/app", E::Port),
        ("postgres://u@db:pg/app", E::Port),
        ("postgres:///app?host=h1,h2&port=1,2,3", E::PortCount),
        ("postgres://u@db/app?host=h2", E::HostsTwice),
        ("postgres://u@db/app?port=5433", E::HostsTwice),
        ("postgres://u@db/app?sslmode=disable&sslmode=require", E::Repeated("sslmode")),
        ("postgres://u@db/app?user=v", E::UnknownParameter("user".into())),
        ("postgres://u@db/app?SSLMODE=disable", E::UnknownParameter("SSLMODE".into())),
        ("postgres://u@db/app?sslmode", E::Encoding),
        ("postgres://u:5%@db/app", E::Encoding),
        ("postgres://u:%zz@db/app", E::Encoding),
        ("postgres://u:a%00b@db/app", E::Encoding),
        ("postgres://u%FF@db/app", E::Encoding),
        ("postgres://u:p w@db/app", E::Encoding),
        ("postgres://u:pw@db/app\n", E::Encoding),
        ("postgres://u@db/app?sslmode=prefer", E::Fallback("prefer")),
        ("postgres://u@db/app?sslmode=allow", E::Fallback("allow")),
        ("postgres://u@db/app?sslmode=on", value("sslmode", "verify-full, verify-ca or disable")),
        ("postgres://u@db/app?sslmode=verify-ca", E::VerifyCaNeedsRoots),
        ("postgres://u@db/app?sslmode=verify-ca&sslrootcert=system", E::VerifyCaNeedsRoots),
        ("postgres://u@db/app?sslmode=disable&sslrootcert=/ca.pem", E::NeedsTls("sslrootcert")),
        (
            "postgres://u@db/app?sslmode=disable&channel_binding=require",
            E::NeedsTls("channel_binding"),
        ),
        ("postgres://u@%2Frun%2Fpg/app?sslmode=verify-full", E::TlsOverUnixSocket),
        ("postgres://u@%2Frun%2Fpg,db/app", E::TlsOverUnixSocket),
        ("postgres://u@db/app?sslcert=/cert.pem", E::HalfClientCertificate),
        (
            "postgres://u@db/app?channel_binding=yes",
            value("channel_binding", "prefer, require or disable"),
        ),
        (
            "postgres://u@db/app?target_session_attrs=standby",
            value(
                "target_session_attrs",
                "read-write or any, because a read-only server cannot be used",
            ),
        ),
        ("postgres://u@db/app?connect_timeout=soon", value("connect_timeout", "a whole number")),
    ];
    for (url, expected) in cases {
        let error = rejection(url);
        assert_eq!(error, expected, "{url}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn an_unknown_parameter_is_named_together_with_the_known_ones() {
    let error = rejection("postgres://u@db/app?ssl_mode=disable").to_string();
    assert!(error.contains("\"ssl_mode\"") && error.contains("sslmode"), "{error}");
}

#[test]
fn connections_that_hang_are_noticed() {
    let config = parse("postgres://u:pw@h1,h2/app").connection;
    assert!(config.get_keepalives());
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(15));
    assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(5)));
    assert_eq!(config.get_keepalives_retries(), Some(3));
    assert_eq!(config.get_tcp_user_timeout(), Some(&Duration::from_secs(10)));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(2)));
    assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(config.get_channel_binding(), ChannelBinding::Prefer);
    assert_eq!(config.get_application_name(), Some("latchkey"));
    assert_eq!(config.get_ssl_mode(), SslMode::Require);
}

#[test]
fn parameters_replace_the_defaults() {
    let config = parse(
        "postgres://u:p%FFw@db/app?application_name=auth-1&connect_timeout=1&keepalives=1&keepalives_idle=60&keepalives_interval=10&keepalives_count=5&channel_binding=require&target_session_attrs=any",
    )
    .connection;
    assert_eq!(config.get_password(), Some(b"p\xFFw".as_slice()));
    assert_eq!(config.get_application_name(), Some("auth-1"));
    assert_eq!(config.get_connect_timeout(), Some(&Duration::from_secs(1)));
    assert_eq!(config.get_keepalives_idle(), Duration::from_secs(60));
    assert_eq!(config.get_keepalives_interval(), Some(Duration::from_secs(10)));
    assert_eq!(config.get_keepalives_retries(), Some(5));
    assert_eq!(config.get_channel_binding(), ChannelBinding::Require);
    assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::Any);
    assert!(!parse("postgres://u@db/app?keepalives=0").connection.get_keepalives());
}

#[test]
fn a_connect_timeout_is_limited() {
    for (value, seconds) in [("0", 5), ("4", 4), ("30", 5)] {
        let config = parse(&format!("postgres://u@db/app?connect_timeout={value}"));
        let expected = Duration::from_secs(seconds);
        assert_eq!(config.connection.get_connect_timeout(), Some(&expected), "{value}");
    }
}

#[test]
fn latchkeys_options_follow_those_of_the_user() {
    let options = |url| parse(url).connection.get_options().map(ToOwned::to_owned);
    assert_eq!(options("postgres://u@db/app").as_deref(), Some(STARTUP_OPTIONS));
    assert_eq!(
        options("postgres://u@db/app?options=-c%20search_path%3Dauth"),
        Some(format!("-c search_path=auth {STARTUP_OPTIONS}"))
    );
}

#[tokio::test]
async fn the_server_limits_how_long_a_connection_can_block_others() {
    let cluster = test_postgres::Cluster::start(&[("fsync", "off")]);
    let url = format!("{}&options=-c%20statement_timeout%3D0", cluster.url("postgres"));
    let manager = parse(&url).manager().expect("no certificate is needed");
    let pool = deadpool_postgres::Pool::builder(manager).build().expect("no runtime is needed");
    let client = pool.get().await.expect("the server accepts connections");
    for (setting, expected) in [
        ("statement_timeout", "5s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("default_transaction_isolation", "read committed"),
        ("application_name", "latchkey"),
    ] {
        let row = client.query_one(&format!("SHOW {setting}"), &[]).await.expect("it exists");
        assert_eq!(row.get::<_, &str>(0), expected, "{setting}");
    }
}

#[test]
fn only_an_inspection_accepts_a_read_only_server() {
    let config = parse("postgres://u@db/app");
    let inspection = config.allow_read_only().connection;
    assert_eq!(inspection.get_target_session_attrs(), TargetSessionAttrs::Any);
    assert_eq!(config.connection.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
}

#[test]
fn the_password_is_not_shown() {
    let config = parse("postgres://u:s%40cret-word@localhost/app");
    assert!(config.has_password());
    assert_eq!(config.connection.get_password(), Some(b"s@cret-word".as_slice()));
    let manager = config.manager().expect("no certificate is needed");
    for shown in [format!("{config:?} {config}"), format!("{manager:?}")] {
        assert!(shown.contains("app") && !shown.contains("cret-word"), "{shown}");
    }
    assert!(!parse("postgres://u@localhost/app").has_password());
}

proptest! {
    /// A password that is pasted without encoding must not be taken for a host, a database or a
    /// parameter, and be shown as such.
    #[test]
    fn no_part_of_an_unencoded_password_is_shown(password in "[zqxj1%@/?#:&=,\\[\\] ]{1,24}") {
        for url in [
            format!("postgres://u:{password}@db.example.com:5432/app?sslmode=verify-full"),
            format!("postgres://u:{password}@/app?host=/run/postgresql"),
        ] {
            let shown = match PostgresConfig::parse(&url) {
                Ok(config) => format!("{config:?} {config}"),
                Err(error) => format!("{error:?} {error}"),
            };
            let letters = password.split(|c: char| !"zqxj".contains(c));
            for part in letters.filter(|part| part.len() >= 2) {
                prop_assert!(!shown.contains(part), "{url}: {shown}");
            }
        }
    }

    #[test]
    fn any_encoded_user_password_and_database_are_parsed(
        user in "[^\0]{1,12}", password in "[^\0]{1,12}", database in "[^\0]{1,12}",
    ) {
        let (u, p, d) = (encode(&user), encode(&password), encode(&database));
        let config = parse(&format!("postgres://{u}:{p}@db/{d}"));
        prop_assert_eq!(config.connection.get_user(), Some(user.as_str()));
        prop_assert_eq!(config.connection.get_password(), Some(password.as_bytes()));
        prop_assert_eq!(config.connection.get_dbname(), Some(database.as_str()));
    }

    #[test]
    fn no_text_panics(text in ".*") {
        let _ = PostgresConfig::parse(&text);
        let _ = PostgresConfig::parse(&format!("postgres://{text}"));
    }
}
