//! Temporary PostgreSQL servers, and a proxy that causes faults, for tests.
//!
//! - [`shared`] returns the server that `cargo xtask ci` or `cargo xtask postgres COMMAND` has
//!   started. Tests create databases on it, which are dropped with their [`Database`].
//! - [`Cluster`] is a server of a test's own, which the test can stop, kill, replicate and promote.
//! - `Proxy` (feature `proxy`) is a proxy in front of a server, which delays, blocks and cuts
//!   connections, and counts round trips.
//! - `TlsCluster` (feature `tls`) is a server that accepts only encrypted connections.
//!
//! PostgreSQL does not run as root. As root, servers run as `nobody`.
//!
//! Functions without a `Result` panic if PostgreSQL fails. The message contains the output of the
//! failed command and the end of the server's log.

mod account;
mod cluster;
mod error;
mod guard;
mod installation;
#[cfg(feature = "proxy")]
mod proxy;
mod psql;
mod replication;
mod shared;
#[cfg(feature = "tls")]
mod tls;

pub use cluster::Cluster;
pub use error::ClusterError;
pub use installation::Installation;
#[cfg(feature = "proxy")]
pub use proxy::{Fault, Proxy};
#[cfg(feature = "tls")]
pub use rcgen;
pub use replication::Synchronous;
pub use shared::{Database, Shared, VARIABLE, shared};
#[cfg(feature = "tls")]
pub use tls::{CertificateName, TlsCluster};
