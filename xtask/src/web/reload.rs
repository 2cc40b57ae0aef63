//! Reloads open pages after a build of `cargo xtask serve --watch`.
//!
//! The pages contain a script that reads the number of the build from a file among the assets. A
//! debug build of the server reads the assets from disk, so the server needs no code for this.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use super::assets::DIRECTORY;
use crate::workspace;

/// The name of the script.
pub(super) const SCRIPT: &str = "reload.js";
pub(super) const SOURCE: &str = include_str!("reload.js");

/// The file that contains the number of the build.
const BUILD: &str = "reload.txt";

/// The behaviour of open pages when a new build is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenPages {
    /// They stay as they are.
    Stay,
    /// They reload.
    Reload,
}

/// Makes open pages reload. The server must already serve the new build.
pub(crate) fn announce_build() -> Result<()> {
    let path = workspace::pages_dist().join(DIRECTORY).join(BUILD);
    let number = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    fs::write(&path, number.to_string())
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Returns whether a line of the server's log is about a page that reads the number of the build.
pub(crate) fn is_log_of_poll(line: &[u8]) -> bool {
    String::from_utf8_lossy(line).contains(&format!("/{DIRECTORY}/{BUILD}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_reads_the_file_that_is_written() {
        assert!(SOURCE.contains(&format!("\"/{DIRECTORY}/{BUILD}\"")));
    }

    #[test]
    fn only_requests_for_the_number_are_omitted_from_the_log() {
        assert!(is_log_of_poll(b"request{path=\"/assets/reload.txt\"}: answered status=200"));
        assert!(!is_log_of_poll(b"request{path=\"/login\"}: answered status=200"));
    }
}
