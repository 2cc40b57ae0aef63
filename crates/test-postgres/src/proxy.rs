//! A TCP proxy in front of a server, which causes network faults.

mod connection;
mod messages;
#[cfg(test)]
mod tests;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use crate::cluster::superuser_url;
use crate::error::{ClusterError, must};

/// A fault, which applies to all connections until another one is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// Everything that the client sends is delayed by this time.
    Delay(Duration),
    /// Nothing arrives, in either direction. New connections are accepted. If the fault ends,
    /// everything that was sent arrives.
    BlackHole,
    /// All connections are reset, including new ones.
    Reset,
    /// The connection is closed instead of forwarding a COMMIT, so the transaction is not
    /// committed.
    SwallowCommit,
    /// The connection is closed after the server has answered a COMMIT, instead of forwarding the
    /// answer. The transaction is committed, and the client does not know it.
    SwallowCommitReply,
}

/// A TCP proxy on 127.0.0.1 in front of a server on 127.0.0.1. It does not understand encrypted
/// connections. When this value is dropped, all connections are closed.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct State {
    target: AtomicU16,
    fault: watch::Sender<Fault>,
    round_trips: AtomicUsize,
    swallowed_commits: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy in front of the server on this port.
    pub async fn to(port: u16) -> Self {
        let attempt = "the proxy cannot listen on a port";
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
        let listener = must(listener.map_err(ClusterError::io(attempt)));
        let address = must(listener.local_addr().map_err(ClusterError::io(attempt)));
        let state = Arc::new(State {
            target: AtomicU16::new(port),
            fault: watch::Sender::new(Fault::None),
            round_trips: AtomicUsize::new(0),
            swallowed_commits: AtomicUsize::new(0),
        });
        let task = tokio::spawn(accept(listener, Arc::clone(&state)));
        Self { port: address.port(), state, task }
    }

    /// Returns the port of the proxy.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL of a database through the proxy, for the superuser of a
    /// [`Cluster`](crate::Cluster).
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        superuser_url(self.port, database)
    }

    /// Sets the fault of all connections, both open and new ones.
    pub fn set(&self, fault: Fault) {
        self.state.fault.send_replace(fault);
    }

    /// Connects new clients to the server on this port, as after a failover. Open connections are
    /// not changed.
    pub fn retarget(&self, port: u16) {
        self.state.target.store(port, Ordering::Relaxed);
    }

    /// Returns the number of times that the server has answered after a client has sent something,
    /// summed over all connections. Requests that are sent together count once.
    #[must_use]
    pub fn round_trips(&self) -> usize {
        self.state.round_trips.load(Ordering::Relaxed)
    }

    /// Returns the number of times that [`Fault::SwallowCommit`] and [`Fault::SwallowCommitReply`]
    /// have closed a connection.
    #[must_use]
    pub fn swallowed_commits(&self) -> usize {
        self.state.swallowed_commits.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                connections.spawn(connection::serve(client, Arc::clone(&state)));
            }
            // The client has already disconnected, or too many files are open.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    /// Waits while nothing may pass. Returns the current fault.
    async fn pass(&self) -> Fault {
        self.wait_for(|fault| *fault != Fault::BlackHole).await
    }

    /// Waits until the fault meets a condition, and returns it.
    async fn wait_for(&self, condition: impl FnMut(&Fault) -> bool) -> Fault {
        let mut receiver = self.fault.subscribe();
        let fault = receiver.wait_for(condition).await.map(|fault| *fault);
        // The sender cannot have been dropped, because it is part of `self`.
        fault.unwrap_or(Fault::None)
    }
}

/// The reason why a connection has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The client or the server has closed it, or a fault has.
    Closed,
    /// [`Fault::Reset`].
    Reset,
}

impl From<io::Error> for Ending {
    fn from(_: io::Error) -> Self {
        Self::Closed
    }
}
