use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::report::Finding;

const MIB: u64 = 1024 * 1024;
/// With less free space, the write-ahead log may fill the disk before an operator notices.
const LOW_SPACE: u64 = 1024 * MIB;
/// With less free space, a burst of log-ins may fill the disk.
const CRITICAL_SPACE: u64 = 64 * MIB;
/// The write-ahead log grows beyond this size only while a reader prevents its checkpoint.
const LARGE_LOG: u64 = 256 * MIB;

/// Metadata of the database's files, and of their folder and disk.
pub(super) struct Files {
    /// The real path of the database.
    database: PathBuf,
    folder: PathBuf,
    /// The permissions of the folder. A user with write access to the folder can replace the files.
    folder_mode: Option<u32>,
    /// The existing files of the database, including `-wal` and `-shm`, with their permissions.
    modes: Vec<(PathBuf, u32)>,
    /// The size of the write-ahead log, in bytes.
    log: u64,
    /// The free space on the disk, in bytes.
    free: Option<u64>,
}

impl Files {
    pub(super) fn of_database(database: &Path) -> Self {
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
            database,
            folder,
        }
    }

    pub(super) fn database(&self) -> &Path {
        &self.database
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        if !self.modes.is_empty() {
            found.push(permissions(&self.modes));
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

/// Checks that only the owner can access the files. They contain the keys that sign tokens.
fn permissions(modes: &[(PathBuf, u32)]) -> Finding {
    let open = modes.iter().filter(|(_, mode)| mode & 0o077 != 0);
    let open: Vec<_> = open.map(|(path, _)| path.display().to_string()).collect();
    match open.join(" ").as_str() {
        "" => Finding::ok("permissions", "only the owner can access the database"),
        paths => Finding::fail(
            "permissions",
            format!(
                "other users of this machine can access {paths}; run chmod 600 {paths}, then latchkey keys rotate --now, and retire the old keys"
            ),
        ),
    }
}

fn folder(path: &Path, mode: u32) -> Finding {
    let path = path.display();
    if mode & 0o002 != 0 {
        let text = format!(
            "every user of this machine can replace the database; run chmod o-w {path}, or move the database to a folder that only the server uses"
        );
        return Finding::fail("folder", text);
    }
    match mode & 0o020 != 0 {
        true => Finding::warn(
            "folder",
            format!("the group of {path} can replace the database; run chmod g-w {path}"),
        ),
        false => Finding::ok("folder", format!("only the owner can write to {path}")),
    }
}

fn space(free: u64) -> Finding {
    let text = format!("the disk that holds the database has {} MiB of free space", free / MIB);
    match free {
        ..CRITICAL_SPACE => Finding::fail("disk", format!("{text}; free up space now")),
        CRITICAL_SPACE..LOW_SPACE => Finding::warn("disk", format!("{text}; free up space soon")),
        LOW_SPACE.. => Finding::ok("disk", text),
    }
}

fn log(bytes: u64) -> Finding {
    let text = format!("the write-ahead log is {} MiB long", bytes / MIB);
    match bytes > LARGE_LOG {
        true => Finding::warn(
            "log",
            format!(
                "{text}; stop any program that keeps reading the database, or restart the server"
            ),
        ),
        false => Finding::ok("log", text),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Fail, Ok, Warn};
    use super::*;

    #[test]
    fn files_that_other_users_can_access_fail_and_are_named() {
        let file = |name: &str, mode| (PathBuf::from(name), mode);
        for mode in [0o600, 0o400, 0o700] {
            assert_eq!(permissions(&[file("x.db", mode)]).level, Ok);
        }
        for mode in [0o640, 0o604, 0o620, 0o602] {
            let found = permissions(&[file("x.db", 0o600), file("x.db-wal", mode)]);
            assert_eq!(found.level, Fail);
            assert!(found.text.contains("chmod 600 x.db-wal,"), "{}", found.text);
        }
    }

    #[test]
    fn a_world_writable_folder_fails_and_a_group_writable_one_is_a_warning() {
        for (mode, level) in
            [(0o700, Ok), (0o755, Ok), (0o775, Warn), (0o777, Fail), (0o1777, Fail)]
        {
            assert_eq!(folder(Path::new("x"), mode).level, level, "{mode:o}");
        }
    }

    #[test]
    fn low_free_space_is_a_warning_and_almost_none_fails() {
        for (mib, level) in [(0, Fail), (63, Fail), (64, Warn), (1_023, Warn), (1_024, Ok)] {
            assert_eq!(space(mib * MIB).level, level, "{mib}");
        }
    }

    #[test]
    fn a_large_write_ahead_log_is_a_warning() {
        assert_eq!([LARGE_LOG, LARGE_LOG + 1].map(|bytes| log(bytes).level), [Ok, Warn]);
    }

    #[test]
    fn metadata_is_read_from_the_files() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        assert!(Files::of_database(&database).modes.is_empty());
        std::fs::write(&database, "").unwrap();
        std::fs::write(folder.path().join("x.db-wal"), "four").unwrap();
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o640)).unwrap();
        let found = Files::of_database(&database);
        assert_eq!((found.modes.len(), found.modes[0].1, found.log), (2, 0o640, 4));
        assert!(found.free.is_some() && found.folder_mode.is_some());
    }
}
