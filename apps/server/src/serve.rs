use std::future::Future;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, Config, Origin, StartError, error_chain};
use api::{Auth, TrustedProxies};
use auth_core::{PasswordHasher, PasswordPolicy, SessionPolicy, SystemClock, SystemRandom};
use tokio::signal::unix::{SignalKind, signal};
use user_store::{OpenError, SqliteStore};
use warp::Filter as _;

use crate::cli::{ServeOptions, Switch};
use crate::http::{self, Envelope};
use crate::{pages, telemetry};

/// How long the store may take to come to an end.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(2);

/// Why the server did not start. Each message says what is wrong and how to mend it.
#[derive(Debug)]
pub(crate) enum ServeError {
    Listen(SocketAddr, io::Error),
    Database(OpenError),
    Accounts(StartError),
    System(io::Error),
}

/// Runs the server until it is told to stop.
pub(crate) fn run(options: ServeOptions, sessions: SessionPolicy) -> Result<(), ServeError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .on_thread_park(telemetry::flush)
        .on_thread_stop(telemetry::flush)
        .build()
        .map_err(ServeError::System)?;
    let result = runtime.block_on(serve(options, sessions));
    // With its tasks, the runtime drops the store, which then moves all that is in its log to
    // its file. What was cut off after the drain is waited for no longer than that takes; it
    // is done whole, or not at all.
    runtime.shutdown_timeout(CLOSING_TIMEOUT);
    result
}

async fn serve(options: ServeOptions, sessions: SessionPolicy) -> Result<(), ServeError> {
    // The port first: if it is in use, no database is made.
    let listen_error = |error| ServeError::Listen(options.listen, error);
    let listener = http::listen(options.listen).map_err(listen_error)?;
    let address = listener.local_addr().map_err(listen_error)?;
    let stop = stop_signal().map_err(ServeError::System)?;

    let origin = match &options.public_url {
        Some(origin) => origin.clone(),
        None => Origin::localhost(address.port()),
    };
    let accounts = Arc::new(accounts(&options, sessions, origin).await?);
    let proxies = TrustedProxies::from_iter(options.trusted_proxy.iter().copied());
    let envelope = Envelope::new(accounts.origin(), proxies);
    let routes = Auth::new(Arc::clone(&accounts))
        .routes()
        .or(api::api_not_found())
        .unify()
        .or(pages::routes(options.passwords.password_min_length))
        .unify()
        .boxed();

    telemetry::start(options.log_format);
    warn(&options, &sessions);
    announce(address).map_err(ServeError::System)?;
    tokio::spawn(Accounts::run_maintenance(Arc::downgrade(&accounts)));
    http::serve(listener, envelope.around(routes), stop, async || accounts.drain().await).await;
    tracing::info!("stopped");
    Ok(())
}

async fn accounts(
    options: &ServeOptions,
    sessions: SessionPolicy,
    origin: Origin,
) -> Result<Accounts, ServeError> {
    let store = SqliteStore::open(&options.database).map_err(ServeError::Database)?;
    let settings = Config {
        origin,
        access_token_lifetime: options.access_token_lifetime,
        sessions,
        password_policy: options.passwords.password_min_length,
        pbkdf2_iterations: options.passwords.pbkdf2_iterations,
        hashing: options.hashing.into(),
        throttle: options.throttle == Switch::On,
    };
    Accounts::start(Arc::new(store), settings, Arc::new(SystemClock), Arc::new(SystemRandom))
        .await
        .map_err(ServeError::Accounts)
}

/// What works, and should not be left so.
fn warn(options: &ServeOptions, sessions: &SessionPolicy) {
    let iterations = options.passwords.pbkdf2_iterations;
    let default = PasswordHasher::DEFAULT_ITERATIONS;
    if iterations < default {
        tracing::warn!(
            iterations,
            "passwords are hashed with less than {default} iterations; leave out --pbkdf2-iterations"
        );
    }
    if options.throttle == Switch::Off {
        tracing::warn!("anybody can guess at passwords without limit; leave out --throttle off");
    }
    let (least, default) =
        (options.passwords.password_min_length.min_length(), PasswordPolicy::DEFAULT_MIN_LENGTH);
    if least < default {
        tracing::warn!(
            least,
            "passwords of less than {default} characters are taken; leave out --password-min-length"
        );
    }
    let idle = sessions.standard.idle_timeout().min(sessions.remembered.idle_timeout());
    if idle < 2 * options.access_token_lifetime {
        // A client renews its session when its access token ends, and hardly sooner.
        tracing::warn!(
            "sessions that are used can end as if they were not; raise the idle timeouts to twice --access-token-lifetime, or lower that"
        );
    }
    if !pages::are_built() {
        tracing::warn!("the pages are not built; run the server with `cargo xtask serve`");
    }
}

/// The one line on stdout: who started the server waits for it, and reads the port.
fn announce(address: SocketAddr) -> io::Result<()> {
    writeln!(io::stdout(), "listening on http://{address}")
}

/// Completes at the first SIGTERM or SIGINT.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(address, error) if error.kind() == io::ErrorKind::AddrInUse => write!(
                f,
                "the port of {address} is in use; stop the program that listens there, or choose another with --listen"
            ),
            Self::Listen(address, error) => {
                write!(
                    f,
                    "cannot listen on {address}: {error}; choose another address with --listen"
                )
            }
            Self::Database(error) => error.fmt(f),
            Self::Accounts(error) => write!(f, "cannot start: {}", error_chain(error)),
            Self::System(error) => write!(f, "cannot start: {error}"),
        }
    }
}
