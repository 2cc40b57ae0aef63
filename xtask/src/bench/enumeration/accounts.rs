//! The accounts of a scenario.

use std::fmt::Write as _;

use anyhow::Result;

use super::sample::Emails;
use super::scenario::{Hashes, Scenario};
use crate::server::Installation;

pub(super) const PASSWORD: &str = "a long walk along the sea";

/// A bcrypt hash of another password. With cost 7, a verification takes several times as long as
/// 20,000 iterations of PBKDF2.
const IMPORTED_HASH: &str = "$2b$07$pp7DJ.MIf4srVUHa1UX3X.JqNWxV3F6hGjlr00Kc9pL06tKpuM3Fe";

/// The number of imported accounts. They are three quarters of all accounts: the maximum share of
/// unknown email addresses that take as long as an imported hash.
const IMPORTED: usize = 60;

/// The accounts of the scenarios with [`Hashes::Own`], and the attacker's account.
const NAMES: [&str; 5] = ["account", "another", "disable", "slowest", "mallory"];

/// The accounts whose email addresses are verified.
const VERIFIED: [&str; 3] = ["account", "another", "disable"];

/// The number of accounts with hashes in Latchkey's own format in the scenarios with imported ones.
const OWN: usize = IMPORTED / 3;

/// Creates the accounts.
pub(super) fn create(
    installation: &Installation,
    scenario: &Scenario,
    iterations: u32,
) -> Result<()> {
    for name in NAMES {
        let more = if name == "slowest" { scenario.more_iterations(iterations) } else { 0 };
        let email = format!("{name}@example.com");
        installation.create_user(&email, PASSWORD, iterations + more)?;
    }
    if scenario.hashes == Hashes::Imported {
        for number in NAMES.len()..OWN {
            installation.create_user(&own_email(number), PASSWORD, iterations)?;
        }
        let mut file = "email,password_hash\n".to_owned();
        for number in 0..IMPORTED {
            writeln!(file, "{},{IMPORTED_HASH}", imported_email(number))?;
        }
        installation.import_users(&file)?;
    }
    for name in VERIFIED {
        installation.verify_email(&format!("{name}@example.com"))?;
    }
    installation.disable_user("disable@example.com")
}

/// Returns the email addresses of the imported accounts.
pub(super) fn imported() -> Emails {
    Emails::Fixed((0..IMPORTED).map(imported_email).collect())
}

/// Returns the email addresses of all enabled accounts of a scenario with imported hashes, except
/// that of the account with more work.
pub(super) fn all() -> Emails {
    let own = (NAMES.len()..OWN).map(own_email);
    let others = ["account", "another", "mallory"].map(|name| format!("{name}@example.com"));
    let of_twenty = own.chain(others.iter().cloned()).chain(others.iter().take(2).cloned());
    Emails::Fixed((0..IMPORTED).map(imported_email).chain(of_twenty).collect())
}

fn imported_email(number: usize) -> String {
    format!("i{number:06}@example.com")
}

fn own_email(number: usize) -> String {
    format!("o{number:06}@example.com")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_quarters_of_all_accounts_are_imported() {
        assert_eq!(imported().count(), Some(IMPORTED));
        assert_eq!(all().count(), Some(IMPORTED + OWN));
    }
}
