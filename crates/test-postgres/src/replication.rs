use std::env;
use std::fs;
use std::thread;
use std::time::Duration;

use crate::cluster::Cluster;
use crate::error::{ClusterError, must, run};

/// The kind of replication, which determines if a commit on the primary waits for a standby.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit waits until a standby has stored it. If there is no standby, it waits for one.
    Yes,
    /// A commit does not wait. A failover can lose the last commits.
    No,
}

impl Cluster {
    /// Starts a hot standby of this server, and waits until it is connected.
    #[must_use]
    #[track_caller]
    pub fn standby(&self, synchronous: Synchronous) -> Self {
        must(self.try_standby(synchronous))
    }

    fn try_standby(&self, synchronous: Synchronous) -> Result<Self, ClusterError> {
        let mut standby = Self::empty(&env::temp_dir())?;
        standby.copy_from(self)?;
        standby.start_on_free_port()?;
        if synchronous == Synchronous::Yes {
            self.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
            self.sql("postgres", "SELECT pg_reload_conf()");
        }
        self.wait_for_standby(synchronous)?;
        Ok(standby)
    }

    /// Makes this standby a primary.
    #[track_caller]
    pub fn promote(&self) {
        must(self.pg_ctl(&["promote"]));
    }

    /// Makes this server a standby of `other`, for example an old primary that is started again
    /// after a failover. Replaces its data, and keeps its port. The server may be running or not.
    #[track_caller]
    pub fn become_standby_of(&self, other: &Self) {
        must(self.try_become_standby_of(other));
    }

    fn try_become_standby_of(&self, other: &Self) -> Result<(), ClusterError> {
        if self.data().join("postmaster.pid").exists() {
            self.pg_ctl(&["stop", "--mode", "immediate"])?;
        }
        fs::remove_dir_all(self.data())
            .map_err(ClusterError::io("the data of the old server cannot be deleted"))?;
        self.copy_from(other)?;
        self.start_on_port()?;
        other.wait_for_standby(Synchronous::No)
    }

    /// Copies the data of a running server, and configures the copy as its standby.
    fn copy_from(&self, primary: &Self) -> Result<(), ClusterError> {
        let mut copy = self.command("pg_basebackup");
        copy.arg("--pgdata").arg(self.data());
        copy.args(["--host", "127.0.0.1", "--port", &primary.port().to_string()]);
        copy.args(["--username", "postgres", "--no-password", "--write-recovery-conf"]);
        copy.args(["--wal-method", "stream", "--checkpoint", "fast", "--no-sync"]);
        run(&mut copy, Some(&primary.directory.join("log")))?;
        Ok(())
    }

    /// Waits until a standby streams from this server.
    fn wait_for_standby(&self, synchronous: Synchronous) -> Result<(), ClusterError> {
        let states = match synchronous {
            Synchronous::Yes => "('sync', 'quorum')",
            Synchronous::No => "('async', 'sync', 'potential', 'quorum')",
        };
        let query = format!(
            "SELECT count(*) > 0 FROM pg_stat_replication
             WHERE state = 'streaming' AND sync_state IN {states}"
        );
        for _ in 0..600 {
            if self.sql("postgres", &query) == "t" {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(ClusterError::TimedOut("a standby is connected"))
    }
}
