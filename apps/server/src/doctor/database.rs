use std::path::Path;

use user_store::{Inspection, OpenError};

use super::report::Finding;

const DATABASE: &str = "database";

/// Whether the database is there, ours, of this version and whole.
pub(super) fn findings(path: &Path, inspected: &Result<Inspection, OpenError>) -> Vec<Finding> {
    let path = path.display();
    let inspection = match inspected {
        Ok(inspection) => inspection,
        Err(error) => return vec![Finding::fail(DATABASE, error.to_string())],
    };
    let schema = match inspection.is_older {
        true => Finding::warn(
            DATABASE,
            format!(
                "{path} was made by an older version; make a backup with that version, then start the server, which brings it up to date"
            ),
        ),
        false => Finding::ok(DATABASE, format!("{path} is of this version")),
    };
    vec![schema, integrity(inspection.problem.as_deref())]
}

fn integrity(problem: Option<&str>) -> Finding {
    match problem {
        None => Finding::ok("integrity", "the database is whole"),
        Some(problem) => Finding::fail(
            "integrity",
            format!("the database is damaged: {problem}; stop the server and restore a backup"),
        ),
    }
}

/// A version that can corrupt the file is refused before anything is read; see [`findings`].
pub(super) fn sqlite(version: &str) -> Finding {
    Finding::ok("sqlite", format!("SQLite {version} is built in"))
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{self, Fail, Ok as Good, Warn};
    use super::*;

    const SOUND: Inspection = Inspection { is_older: false, problem: None, newest: None };

    fn levels(inspection: Inspection) -> Vec<Level> {
        let found = findings(Path::new("x.db"), &Ok(inspection));
        found.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn a_database_of_this_version_that_is_whole_is_good() {
        assert_eq!(levels(SOUND), [Good, Good]);
        assert_eq!(levels(Inspection { is_older: true, ..SOUND }), [Warn, Good]);
        let damaged = Some("row 1 missing from index".to_owned());
        assert_eq!(levels(Inspection { problem: damaged, ..SOUND }), [Good, Fail]);
    }

    #[test]
    fn one_that_cannot_be_used_fails_with_what_to_do() {
        let found = findings(Path::new("x.db"), &Err(OpenError::Absent("x.db".into())));
        assert_eq!((found.len(), found[0].level), (1, Fail));
        assert!(found[0].text.contains("start the server once"), "{}", found[0].text);
    }
}
