use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::report::Finding;

const MIB: u64 = 1024 * 1024;
/// With less, the log of the database may fill the disk before it is noticed.
const LITTLE_SPACE: u64 = 1024 * MIB;
/// With less, a burst of log-ins does.
const NO_SPACE: u64 = 64 * MIB;
/// The log is emptied into the database again and again, unless somebody reads all the time.
const LONG_LOG: u64 = 256 * MIB;

/// What is known of the database's files, their folder and its disk.
pub(super) struct Files {
    folder: PathBuf,
    /// The rights in it, and so who can put another file in the place of one.
    folder_mode: Option<u32>,
    /// The database and what SQLite keeps beside it, with their rights.
    modes: Vec<(PathBuf, u32)>,
    /// How long the log is, in bytes.
    log: u64,
    /// How much room the disk has, in bytes.
    free: Option<u64>,
}

impl Files {
    pub(super) fn of(database: &Path) -> Self {
        let database = database.canonicalize().unwrap_or_else(|_| database.to_owned());
        let folder = match database.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
            _ => PathBuf::from("."),
        };
        let folder = folder.canonicalize().unwrap_or(folder);
        let found = ["", "-wal", "-shm"].map(|suffix| {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            let path = PathBuf::from(name);
            path.metadata().ok().map(|metadata| (path, metadata))
        });
        let log = found[1].as_ref().map_or(0, |(_, metadata)| metadata.len());
        let free = rustix::fs::statvfs(&folder).ok();
        Self {
            folder_mode: folder.metadata().ok().as_ref().map(mode),
            modes: found.into_iter().flatten().map(|(path, file)| (path, mode(&file))).collect(),
            log,
            free: free.map(|disk| disk.f_bavail.saturating_mul(disk.f_frsize)),
            folder,
        }
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if !self.modes.is_empty() {
            found.push(rights(&self.modes));
            found.push(log(self.log));
        }
        if let Some(mode) = self.folder_mode {
            found.push(folder(&self.folder, mode));
        }
        found.extend(self.free.map(space));
        found
    }
}

fn mode(metadata: &Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// Whoever reads a file can sign tokens, and whoever writes one can do anything.
fn rights(modes: &[(PathBuf, u32)]) -> Finding {
    let open = modes.iter().filter(|(_, mode)| mode & 0o077 != 0);
    let open: Vec<_> = open.map(|(path, _)| path.display().to_string()).collect();
    match open.join(" ").as_str() {
        "" => Finding::ok("rights", "the database is for its owner alone"),
        paths => Finding::fail(
            "rights",
            format!(
                "others may read {paths}; run chmod 600 {paths}, then latchkey keys rotate, and retire the older keys"
            ),
        ),
    }
}

fn folder(path: &Path, mode: u32) -> Finding {
    let path = path.display();
    if mode & 0o002 != 0 {
        let text = format!(
            "anybody may put another file in the place of the database; run chmod o-w {path}, or use a folder of the server's own"
        );
        return Finding::fail("folder", text);
    }
    match mode & 0o020 != 0 {
        true => Finding::warn(
            "folder",
            format!(
                "the group of {path} may put another file in the place of the database; run chmod g-w {path}"
            ),
        ),
        false => Finding::ok("folder", format!("{path} is written to by its owner alone")),
    }
}

fn space(free: u64) -> Finding {
    let text = format!("the disk of the database has {} MiB left", free / MIB);
    match free {
        ..NO_SPACE => Finding::fail("disk", format!("{text}; make room")),
        NO_SPACE..LITTLE_SPACE => Finding::warn("disk", format!("{text}; make room soon")),
        LITTLE_SPACE.. => Finding::ok("disk", text),
    }
}

fn log(bytes: u64) -> Finding {
    let text = format!("the log beside the database has {} MiB", bytes / MIB);
    match bytes > LONG_LOG {
        true => Finding::warn(
            "log",
            format!("{text}; stop what reads the database without an end, or restart the server"),
        ),
        false => Finding::ok("log", text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Fail, Ok, Warn};
    use super::*;

    #[test]
    fn files_that_others_can_read_or_write_are_named() {
        let file = |name: &str, mode| (PathBuf::from(name), mode);
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(rights(&[file("x.db", mode)]).level, Ok);
        }
        for mode in [0o640, 0o604, 0o620, 0o602] {
            let found = rights(&[file("x.db", 0o600), file("x.db-wal", mode)]);
            assert_eq!(found.level, Fail);
            assert!(found.text.contains("chmod 600 x.db-wal,"), "{}", found.text);
        }
    }

    #[test]
    fn a_folder_that_others_write_to_fails_and_one_of_a_group_is_warned_of() {
        for (mode, level) in
            [(0o700, Ok), (0o755, Ok), (0o775, Warn), (0o777, Fail), (0o1777, Fail)]
        {
            assert_eq!(folder(Path::new("x"), mode).level, level, "{mode:o}");
        }
    }

    #[test]
    fn little_space_is_warned_of_and_hardly_any_fails() {
        for (mib, level) in [(0, Fail), (63, Fail), (64, Warn), (1_023, Warn), (1_024, Ok)] {
            assert_eq!(space(mib * MIB).level, level, "{mib}");
        }
    }

    #[test]
    fn a_long_log_is_warned_of() {
        assert_eq!([LONG_LOG, LONG_LOG + 1].map(|bytes| log(bytes).level), [Ok, Warn]);
    }

    #[test]
    fn what_is_found_is_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        assert!(Files::of(&database).modes.is_empty());
        std::fs::write(&database, "").unwrap();
        std::fs::write(folder.path().join("x.db-wal"), "four").unwrap();
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o640)).unwrap();
        let found = Files::of(&database);
        assert_eq!((found.modes.len(), found.modes[0].1, found.log), (2, 0o640, 4));
        assert!(found.free.is_some() && found.folder_mode.is_some());
    }
}
