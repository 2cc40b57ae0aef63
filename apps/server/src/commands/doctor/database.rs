use std::path::Path;

use user_store::{Inspection, MailCounts, OpenError};

use super::report::Finding;
use crate::output::count;

const DATABASE: &str = "database";

/// Checks that the database exists, is Latchkey's, has the schema of this version, and is intact.
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
                "{path} has the schema of an older version; back it up with that version, then start the server to migrate it"
            ),
        ),
        false => Finding::ok(DATABASE, format!("{path} has the schema of this version")),
    };
    vec![schema, integrity(inspection.problem.as_deref())]
}

/// Reports accounts whose password hashes cannot be verified, if there are any.
pub(super) fn hashes(unusable: u32) -> Option<Finding> {
    if unusable == 0 {
        return None;
    }
    let accounts = count(usize::try_from(unusable).unwrap_or(usize::MAX), "account");
    let text = format!(
        "this version cannot verify the password hashes of {accounts}; when such a user tries to log in, the log names the account: set a new password with latchkey users set-password"
    );
    Some(Finding::warn("hashes", text))
}

/// Reports the mails in the outbox.
pub(super) fn outbox(mails: MailCounts) -> Finding {
    const OUTBOX: &str = "outbox";
    let number = |mails: u64| count(usize::try_from(mails).unwrap_or(usize::MAX), "mail");
    let unsent = format!("{} not sent yet", number(mails.unsent));
    match mails.failed {
        0 => Finding::ok(OUTBOX, unsent),
        failed => Finding::warn(
            OUTBOX,
            format!(
                "{} rejected for good, {unsent}; see the reasons with latchkey mail list",
                number(failed)
            ),
        ),
    }
}

fn integrity(problem: Option<&str>) -> Finding {
    match problem {
        None => Finding::ok("integrity", "the database is intact"),
        Some(problem) => Finding::fail(
            "integrity",
            format!("the database is damaged: {problem}; stop the server and restore a backup"),
        ),
    }
}

/// Reports the version of SQLite. The server refuses to start with a version that can corrupt the
/// database.
pub(super) fn sqlite(version: &str) -> Finding {
    Finding::ok("sqlite", format!("SQLite {version} is built in"))
}

#[cfg(test)]
mod tests {
    use super::super::report::Level::{self, Fail, Ok as Good, Warn};
    use super::*;

    const INTACT: Inspection = Inspection {
        is_older: false,
        problem: None,
        newest: None,
        max_hash_memory: 0,
        mails: MailCounts { unsent: 0, failed: 0 },
        unusable_hashes: 0,
    };

    fn levels(inspection: Inspection) -> Vec<Level> {
        let found = findings(Path::new("x.db"), &Ok(inspection));
        found.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn an_intact_database_of_this_version_is_ok_and_a_damaged_one_fails() {
        assert_eq!(levels(INTACT), [Good, Good]);
        assert_eq!(levels(Inspection { is_older: true, ..INTACT }), [Warn, Good]);
        let damaged = Some("row 1 missing from index".to_owned());
        assert_eq!(levels(Inspection { problem: damaged, ..INTACT }), [Good, Fail]);
    }

    #[test]
    fn rejected_mails_are_a_warning() {
        let ok = outbox(MailCounts { unsent: 2, failed: 0 });
        assert_eq!((ok.level, &*ok.text), (Good, "2 mails not sent yet"));
        let failed = outbox(MailCounts { unsent: 0, failed: 1 });
        assert_eq!(failed.level, Warn);
        assert!(failed.text.starts_with("1 mail rejected for good, 0 mails"), "{}", failed.text);
    }

    #[test]
    fn unusable_hashes_are_a_warning_that_says_how_to_fix_it() {
        assert_eq!(hashes(0), None);
        let found = hashes(2).unwrap();
        assert_eq!(found.level, Warn);
        for part in ["2 accounts", "latchkey users set-password"] {
            assert!(found.text.contains(part), "{}", found.text);
        }
    }

    #[test]
    fn an_unusable_database_fails_and_says_how_to_fix_it() {
        let found = findings(Path::new("x.db"), &Err(OpenError::Absent("x.db".into())));
        assert_eq!((found.len(), found[0].level), (1, Fail));
        assert!(found[0].text.contains("start the server once"), "{}", found[0].text);
    }
}
