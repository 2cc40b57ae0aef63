use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

use super::report::Finding;

const ACCESS: &str = "access";

/// The result of checking that the user who runs `doctor` can write to the database.
pub(super) struct Access {
    /// The path of the database.
    database: PathBuf,
    /// The first file of the database that cannot be written, with the error.
    file: Option<(PathBuf, io::Error)>,
    /// The error from creating a file in the folder of the database.
    folder: Option<(PathBuf, io::Error)>,
    /// `true` if the database is mounted without its folder.
    is_mount_point: bool,
}

impl Access {
    /// Opens the files for writing and creates a temporary file, but writes nothing. Must not be
    /// called while this process has the database open: closing a file would release the locks
    /// that SQLite holds on it (sqlite.org/howtocorrupt.html, 2.2).
    pub(super) fn of_database(database: &Path, folder: &Path) -> Self {
        let files = ["", "-wal", "-shm"].map(|suffix| {
            let mut path = database.as_os_str().to_owned();
            path.push(suffix);
            PathBuf::from(path)
        });
        Self {
            database: database.to_owned(),
            file: files.into_iter().find_map(|path| not_writable(&path).map(|error| (path, error))),
            folder: tempfile::tempfile_in(folder).err().map(|error| (folder.to_owned(), error)),
            is_mount_point: std::fs::read_to_string("/proc/self/mountinfo")
                .is_ok_and(|mounts| is_mount_point(database, &mounts)),
        }
    }

    /// Reports whether a server that this user starts can use the database.
    pub(super) fn finding(&self) -> Finding {
        if let Some((path, error)) = &self.file {
            let text = format!(
                "cannot open {} for writing: {error}; run doctor as the server's user, make this user the owner of the file, and check that its disk is not mounted read-only",
                path.display()
            );
            return Finding::fail(ACCESS, text);
        }
        if let Some((folder, error)) = &self.folder {
            let text = format!(
                "cannot create files in {}: {error}; the server needs them beside the database; run doctor as the server's user, make this user the owner of the folder, and check that its disk is not mounted read-only",
                folder.display()
            );
            return Finding::fail(ACCESS, text);
        }
        if self.is_mount_point {
            let text = format!(
                "{} is mounted without its folder, so the latest changes, which are in a file beside it, can be lost; mount the folder instead",
                self.database.display()
            );
            return Finding::fail(ACCESS, text);
        }
        Finding::ok(ACCESS, "the database and its folder are writable")
    }
}

/// Returns the error from opening an existing file for writing.
fn not_writable(path: &Path) -> Option<io::Error> {
    match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        opened => opened.err(),
    }
}

/// Returns whether `path` is in the list of mount points (proc(5), `/proc/pid/mountinfo`).
fn is_mount_point(path: &Path, mounts: &str) -> bool {
    let Some(path) = path.to_str() else { return false };
    let escaped = path.replace('\\', "\\134").replace(' ', "\\040").replace('\t', "\\011");
    mounts.lines().any(|line| line.split(' ').nth(4) == Some(&escaped))
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{Fail, Ok};
    use super::*;

    #[test]
    fn a_writable_folder_is_ok_and_nothing_remains_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        assert_eq!(Access::of_database(&database, folder.path()).finding().level, Ok);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        std::fs::write(&database, "content").unwrap();
        assert_eq!(Access::of_database(&database, folder.path()).finding().level, Ok);
        assert_eq!(std::fs::read(&database).unwrap(), b"content");
    }

    #[test]
    fn a_missing_folder_and_a_file_that_cannot_be_opened_fail() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("x.db");
        let missing = Access::of_database(&database, &folder.path().join("missing")).finding();
        assert!(missing.level == Fail && missing.text.contains("missing"), "{}", missing.text);
        std::fs::create_dir(folder.path().join("x.db-wal")).unwrap();
        let found = Access::of_database(&database, folder.path()).finding();
        assert!(found.level == Fail && found.text.contains("x.db-wal"), "{}", found.text);
    }

    #[test]
    fn a_file_that_is_mounted_without_its_folder_fails() {
        let mounts = "22 27 0:19 / /sys rw shared:7 - sysfs sysfs rw\n\
            90 27 8:1 /x.db /var/lib/latch\\040key/x.db rw,relatime - ext4 /dev/sda1 rw\n";
        let database = Path::new("/var/lib/latch key/x.db");
        assert!(is_mount_point(database, mounts));
        assert!(!is_mount_point(Path::new("/var/lib/latch key/y.db"), mounts));
        let access =
            Access { database: database.into(), file: None, folder: None, is_mount_point: true };
        assert_eq!(access.finding().level, Fail);
    }
}
