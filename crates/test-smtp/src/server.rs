use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::aws_lc_rs;

use crate::authority::Certificate;
use crate::fault::{Action, Command, Fault};
use crate::session;
use crate::state::{ReceivedMail, State, lock};

/// How a server is set up.
#[derive(Debug)]
pub struct ServerConfig<'a> {
    /// The encryption that the server offers.
    pub encryption: Encryption<'a>,
    /// The user name and the password that the server accepts. If given, it accepts no mail without
    /// `AUTH`.
    pub login: Option<(&'static str, &'static str)>,
    /// The mechanisms for `AUTH` that the server offers: `PLAIN`, `LOGIN`, or both.
    pub mechanisms: &'static str,
}

/// The encryption that a server offers.
#[derive(Debug)]
pub enum Encryption<'a> {
    /// None.
    None,
    /// TLS after `STARTTLS`. It is not required.
    StartTls(&'a Certificate),
    /// TLS from the start.
    Tls(&'a Certificate),
}

/// A mail server on 127.0.0.1. When this value is dropped, all connections are closed.
#[derive(Debug)]
pub struct SmtpServer {
    port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Default for ServerConfig<'_> {
    /// A server without encryption and without `AUTH`.
    fn default() -> Self {
        Self { encryption: Encryption::None, login: None, mechanisms: "PLAIN LOGIN" }
    }
}

impl SmtpServer {
    /// Starts a server.
    pub async fn start(config: ServerConfig<'_>) -> Self {
        let (start_tls, tls) = match config.encryption {
            Encryption::None => (None, None),
            Encryption::StartTls(certificate) => (Some(acceptor(certificate)), None),
            Encryption::Tls(certificate) => (None, Some(acceptor(certificate))),
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let port = listener.local_addr().expect("the socket has an address").port();
        let state = Arc::new(State {
            login: config.login,
            mechanisms: config.mechanisms,
            start_tls,
            tls,
            fault: Mutex::new(None),
            faults: watch::Sender::new(0),
            commands: Mutex::new(Vec::new()),
            mails: Mutex::new(Vec::new()),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { port, state, task }
    }

    /// Returns the port of the server.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Sets the fault of all replies from now on.
    pub fn set_fault(&self, command: Command, action: Action) {
        *lock(&self.state.fault) = Some(Fault { command, action });
    }

    /// Removes the fault.
    pub fn remove_fault(&self) {
        *lock(&self.state.fault) = None;
    }

    /// Waits until the fault has occurred.
    pub async fn fault_occurred(&self) {
        let mut faults = self.state.faults.subscribe();
        faults.wait_for(|count| *count > 0).await.expect("the server is running");
    }

    /// Returns the mails that the server has accepted.
    #[must_use]
    pub fn mails(&self) -> Vec<ReceivedMail> {
        lock(&self.state.mails).clone()
    }

    /// Returns the commands that the server has received, without the contents of mails. A command
    /// that was received encrypted begins with `tls:`.
    #[must_use]
    pub fn commands(&self) -> Vec<String> {
        lock(&self.state.commands).clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the versions are supported")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.certificate.clone()], certificate.key.clone_key())
        .expect("the certificate has this key");
    TlsAcceptor::from(Arc::new(config))
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut sessions = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        sessions.spawn(async move {
            // The error is the client's, which has closed the connection or rejected the
            // certificate.
            let _ = match &state.tls {
                None => session::run(Box::new(stream), session::Channel::Plain, &state).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => {
                        session::run(Box::new(stream), session::Channel::Tls, &state).await
                    }
                    Err(error) => Err(error),
                },
            };
        });
        while sessions.try_join_next().is_some() {}
    }
}
