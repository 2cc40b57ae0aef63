//! The operating system account that servers run as.

use std::path::Path;
use std::process::Command;

use crate::error::{ClusterError, run};

/// The account that a server runs as.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Account {
    /// The account of this process.
    Current,
    /// The account `nobody`, because this process runs as root, and PostgreSQL refuses to.
    #[cfg(unix)]
    Nobody { uid: u32, gid: u32 },
}

impl Account {
    #[cfg(unix)]
    pub(crate) fn for_servers() -> Result<Self, ClusterError> {
        if id(&["-u"])? != 0 {
            return Ok(Self::Current);
        }
        Ok(Self::Nobody { uid: id(&["-u", "nobody"])?, gid: id(&["-g", "nobody"])? })
    }

    #[cfg(not(unix))]
    pub(crate) fn for_servers() -> Result<Self, ClusterError> {
        Ok(Self::Current)
    }

    /// Makes a command run as this account, in its own process group: Ctrl-C in a terminal must
    /// not stop the server while its tests still run.
    #[cfg(unix)]
    pub(crate) fn apply(self, command: &mut Command) {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
        if let Self::Nobody { uid, gid } = self {
            command.uid(uid).gid(gid);
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn apply(self, _: &mut Command) {}

    /// Makes this account the owner of a file or directory that this process has created.
    #[cfg(unix)]
    pub(crate) fn give(self, path: &Path) -> Result<(), ClusterError> {
        match self {
            Self::Current => Ok(()),
            Self::Nobody { uid, gid } => {
                std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(ClusterError::io(
                    format!("the owner of {} cannot be set", path.display()),
                ))
            }
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn give(self, _: &Path) -> Result<(), ClusterError> {
        Ok(())
    }
}

#[cfg(unix)]
fn id(args: &[&str]) -> Result<u32, ClusterError> {
    let mut command = Command::new("id");
    let text = run(command.args(args), None)?;
    text.parse().map_err(|_| ClusterError::Failed {
        command: format!("id {}", args.join(" ")),
        output: format!("{text:?} is not a number"),
    })
}
