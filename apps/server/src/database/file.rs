//! The file that `--database-file` or a similar option names.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Database;
use crate::error::CommandError;

/// The maximum length of the file, in bytes.
const MAX_LENGTH: u64 = 64 * 1024;

/// Reads the database from the first line of the file: a path or a URL.
pub(crate) fn read(path: &Path) -> Result<Database, CommandError> {
    if path.to_string_lossy().contains("://") {
        // The message does not contain the value, because it probably contains a password.
        return Err(CommandError::Usage(
            "expected the path of a file that contains the URL of the database; write the URL to a file"
                .to_owned(),
        ));
    }
    let text = read_text(path)
        .map_err(|error| CommandError::DatabaseFile { path: path.to_owned(), error })?;
    let line = text.lines().next().unwrap_or("").trim();
    if line.is_empty() {
        let path = path.display();
        return Err(CommandError::Usage(format!(
            "the first line of the database file {path} is empty; write the path or the URL of the database there"
        )));
    }
    Database::parse(line).map_err(|problem| {
        let path = path.display();
        CommandError::Usage(format!(
            "the first line of the database file {path} is invalid: {problem}"
        ))
    })
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.take(MAX_LENGTH).read_to_string(&mut text)?;
    Ok(text)
}

/// Returns a warning if every user of this machine can read or change the file. Access by a group
/// is accepted, because systemd and Kubernetes use it to grant access to secrets.
pub(crate) fn readable_by_others(path: &Path) -> Option<String> {
    let mode = path.metadata().ok()?.permissions().mode();
    let access = match mode & 0o006 {
        0 => return None,
        0o004 => "read the password in",
        _ => "change",
    };
    let path = path.display();
    Some(format!("every user of this machine can {access} {path}; run chmod o= {path}"))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::*;

    #[test]
    fn the_first_line_of_the_file_names_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        for text in ["x.db", " x.db \n", "x.db\r\n# a comment\n", "sqlite:x.db\n\n"] {
            std::fs::write(&file, text).unwrap();
            assert_eq!(read(&file).unwrap().to_string(), "x.db", "{text:?}");
        }
    }

    #[test]
    fn an_unusable_file_is_an_error_without_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        assert_eq!(read(&file).unwrap_err().exit_code(), 1);
        for text in ["", "\nx.db\n", "mysql://ada:hunter2@localhost/x\n"] {
            std::fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let error = error.to_string();
            assert!(error.contains("url") && !error.contains("hunter2"), "{error}");
        }
        std::fs::write(&file, b"\xff").unwrap();
        assert_eq!(read(&file).unwrap_err().exit_code(), 1);
    }

    #[test]
    fn a_url_instead_of_a_path_is_an_error_that_does_not_contain_it() {
        let error = read(Path::new("postgres://ada:hunter2@localhost/x")).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[test]
    fn access_of_other_users_is_a_warning() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("url");
        std::fs::write(&file, "x.db").unwrap();
        for (mode, warned) in
            [(0o600, None), (0o440, None), (0o644, Some("read")), (0o602, Some("change"))]
        {
            std::fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
            let warning = readable_by_others(&file);
            assert_eq!(warning.is_some(), warned.is_some(), "{mode:o}");
            assert!(warning.is_none_or(|text| text.contains(warned.unwrap())), "{mode:o}");
        }
    }
}
