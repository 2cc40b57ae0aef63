//! Finds the programs of PostgreSQL.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::account::Account;

/// The directories below which Debian and Red Hat install each major version.
const ROOTS: [&str; 2] = ["/usr/lib/postgresql", "/usr"];

/// The programs that are needed.
const PROGRAMS: [&str; 5] = ["initdb", "pg_basebackup", "pg_ctl", "postgres", "psql"];

/// The directory with the programs of one PostgreSQL version.
#[derive(Debug, Clone)]
pub struct Installation {
    directory: PathBuf,
}

impl Installation {
    /// Finds the programs: in a directory of PATH, or else the newest version that a package has
    /// installed elsewhere.
    #[must_use]
    pub fn find() -> Option<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let in_path = env::split_paths(&path).filter_map(|directory| {
            // Debian has wrappers in PATH, and others have links.
            let program = fs::canonicalize(directory.join("initdb")).ok()?;
            Some(program.parent()?.to_owned())
        });
        let mut directories: Vec<_> = in_path.collect();
        let mut versions: Vec<_> =
            ROOTS.iter().flat_map(|root| versions(Path::new(root))).collect();
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
        directories.extend(versions.into_iter().map(|(_, directory)| directory));
        let complete = directories.into_iter().find(|directory| is_complete(directory));
        complete.map(|directory| Self { directory })
    }

    /// Returns a command for one of the programs. It does not depend on the environment.
    pub(crate) fn command(&self, program: &str, account: Account) -> Command {
        let mut command = Command::new(self.program(program));
        // Variables such as PGHOST and PGDATA would change what the programs do.
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        account.apply(&mut command);
        // `nobody` may not be able to enter the current directory.
        command.current_dir("/").env("LC_ALL", "C").env("HOME", "/").stdin(Stdio::null());
        command
    }

    /// Returns the path of a program, such as `psql`.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

fn is_complete(directory: &Path) -> bool {
    PROGRAMS.iter().all(|program| directory.join(program).is_file())
}

/// Returns the directories `NUMBER/bin` and `pgsql-NUMBER/bin` below `root`, with their numbers.
fn versions(root: &Path) -> Vec<(u32, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix("pgsql-").unwrap_or(&name);
        if let Ok(number) = number.parse() {
            found.push((number, entry.path().join("bin")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_numbered_directories() {
        let root = tempfile::tempdir().unwrap();
        for name in ["9", "15", "pgsql-17", "pgsql-x", "lib"] {
            fs::create_dir(root.path().join(name)).unwrap();
        }
        let mut found = versions(root.path());
        found.sort();
        let bin = |name: &str| root.path().join(name).join("bin");
        assert_eq!(found, [(9, bin("9")), (15, bin("15")), (17, bin("pgsql-17"))]);
        assert!(versions(&root.path().join("missing")).is_empty());
    }

    #[test]
    fn a_directory_with_only_some_of_the_programs_is_not_complete() {
        let directory = tempfile::tempdir().unwrap();
        for program in PROGRAMS {
            assert!(!is_complete(directory.path()));
            fs::write(directory.path().join(program), "").unwrap();
        }
        assert!(is_complete(directory.path()));
    }
}
