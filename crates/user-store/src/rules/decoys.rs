//! Decisions about decoys.

use std::collections::BTreeMap;
use std::time::Duration;

use auth_core::{DecoyPosition, PasswordHash, Timestamp};

pub(crate) use crate::decoys::HashClass;

/// The decoys, and the numbers of accounts that they are derived from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Decoys {
    /// The classes of imported hashes, by template. All hashes of a class take the same work.
    pub(crate) classes: BTreeMap<String, HashClass>,
    /// The template of the decoy at each position that has one.
    pub(crate) templates: BTreeMap<u8, String>,
}

/// The version of the decoys, and the time of the last count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DecoyState {
    pub(crate) version: i64,
    pub(crate) counted_at: Option<Timestamp>,
}

/// The numbers of accounts at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AccountCount {
    /// The accounts with imported hashes, by template.
    pub(crate) by_template: BTreeMap<String, u32>,
    /// All accounts.
    pub(crate) total: u32,
}

/// The time between two counts.
const RECOUNT_INTERVAL: Duration = Duration::from_hours(24);

/// The maximum number of positions with a decoy: three quarters.
const MAX_DECOYS: usize = DecoyPosition::COUNT as usize / 4 * 3;

/// Decides whether the hashes must be counted again: after a day, or if the clock was set back by
/// as much.
pub(crate) fn is_recount_due(counted_at: Option<Timestamp>, now: Timestamp) -> bool {
    match counted_at {
        Some(counted_at) => now.duration_since(counted_at).unsigned_abs() >= RECOUNT_INTERVAL,
        None => true,
    }
}

/// Counts hashes by template. Hashes in Latchkey's own format and unusable ones are not counted,
/// because they need no decoy.
pub(crate) fn count_by_template<'a>(
    hashes: impl IntoIterator<Item = &'a PasswordHash>,
) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for hash in hashes {
        if hash.iterations().is_none() && !hash.is_unusable() {
            *counts.entry(hash.template()).or_default() += 1;
        }
    }
    counts
}

/// Counts a stored hash by template, as [`count_by_template`] does. A hash that cannot be parsed is
/// not counted, because nobody can sign in with it.
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) fn count_stored(stored: &str, counts: &mut BTreeMap<String, u32>) {
    if let Ok(hash) = stored.parse::<PasswordHash>() {
        for (template, accounts) in count_by_template([&hash]) {
            *counts.entry(template).or_default() += accounts;
        }
    }
}

/// Returns the memory that verifying the most expensive of these templates takes, in bytes.
pub(crate) fn max_memory<'a>(templates: impl IntoIterator<Item = &'a String>) -> u64 {
    let hashes = templates.into_iter().filter_map(|template| template.parse().ok());
    hashes.map(|hash: PasswordHash| hash.memory_bytes()).max().unwrap_or(0)
}

impl Decoys {
    /// Adapts the decoys to an import. `imported` contains the numbers of imported hashes, and
    /// `total` is the number of all accounts after the import.
    pub(crate) fn import(&mut self, imported: &BTreeMap<String, u32>, total: u32) {
        for (template, accounts) in imported {
            self.classes.entry(template.clone()).or_default().add(*accounts);
        }
        self.assign(&fit(self.shares(total)));
    }

    /// Adapts the decoys to a count of all accounts. Unless this is the first count, no class gets
    /// more positions than before, except that a class without a position gets one.
    pub(crate) fn recount(&mut self, count: &AccountCount, last: Option<Timestamp>) {
        self.classes.retain(|template, _| count.by_template.contains_key(template));
        for (template, accounts) in &count.by_template {
            self.classes.entry(template.clone()).or_default().set(*accounts);
        }
        let mut shares = self.shares(count.total);
        if last.is_some() {
            for (template, share) in &mut shares {
                *share = (*share).min(self.positions_of(template).max(1));
            }
        }
        self.assign(&fit(shares));
    }

    /// Returns the number of positions that each class should have.
    ///
    /// The positions represent all accounts, but at most twice as many as were imported, and at
    /// least four thirds of those whose hashes are still in use.
    fn shares(&self, total: u32) -> BTreeMap<String, usize> {
        let in_use: u64 = self.classes.values().map(|class| u64::from(class.accounts)).sum();
        let imported: u64 = self.classes.values().map(|class| u64::from(class.max_accounts)).sum();
        let represented = u64::from(total).min(2 * imported).max(in_use + in_use.div_ceil(3));
        let share = |accounts: u32| {
            let positions = u64::from(DecoyPosition::COUNT) * u64::from(accounts);
            // Every class has a position. Otherwise, a sign-in that takes as long as such a hash
            // would reveal an account.
            let share = positions.checked_div(represented).unwrap_or(0).max(1);
            usize::try_from(share).unwrap_or(MAX_DECOYS)
        };
        let in_use = self.classes.iter().filter(|(_, class)| class.accounts > 0);
        in_use.map(|(template, class)| (template.clone(), share(class.accounts))).collect()
    }

    /// Gives each class its share of the positions, and changes no more positions than necessary.
    fn assign(&mut self, shares: &BTreeMap<String, usize>) {
        let before = std::mem::take(&mut self.templates);
        let mut free: Vec<u8> = (0..=u8::MAX).filter(|at| !before.contains_key(at)).collect();
        for (position, template) in before {
            if self.positions_of(&template) < shares.get(&template).copied().unwrap_or(0) {
                self.templates.insert(position, template);
            } else {
                free.push(position);
            }
        }
        let mut free = free.into_iter();
        for (template, share) in shares {
            for _ in self.positions_of(template)..*share {
                if self.templates.len() >= MAX_DECOYS {
                    return;
                }
                self.templates.extend(free.next().map(|position| (position, template.clone())));
            }
        }
    }

    fn positions_of(&self, template: &str) -> usize {
        self.templates.values().filter(|other| *other == template).count()
    }
}

/// Reduces shares whose sum exceeds [`MAX_DECOYS`]. The largest ones are reduced, so that every
/// class keeps a position.
fn fit(mut shares: BTreeMap<String, usize>) -> BTreeMap<String, usize> {
    while shares.values().sum::<usize>() > MAX_DECOYS
        && let Some(largest) = shares.values_mut().filter(|share| **share > 1).max()
    {
        *largest -= 1;
    }
    shares
}

impl HashClass {
    fn add(&mut self, accounts: u32) {
        self.set(self.accounts.saturating_add(accounts));
    }

    fn set(&mut self, accounts: u32) {
        self.accounts = accounts;
        self.max_accounts = self.max_accounts.max(accounts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EARLIER: Option<Timestamp> = Some(Timestamp::UNIX_EPOCH);

    fn numbers<const N: usize>(numbers: [(&str, u32); N]) -> BTreeMap<String, u32> {
        numbers.into_iter().map(|(template, number)| (template.to_owned(), number)).collect()
    }

    fn count<const N: usize>(by_template: [(&str, u32); N], total: u32) -> AccountCount {
        AccountCount { by_template: numbers(by_template), total }
    }

    fn imported<const N: usize>(of: [(&str, u32); N], total: u32) -> Decoys {
        let mut decoys = Decoys::default();
        decoys.import(&numbers(of), total);
        decoys
    }

    /// Returns the number of positions at which two states differ.
    fn moved(before: &Decoys, after: &Decoys) -> usize {
        let differs = |at: &u8| before.templates.get(at) != after.templates.get(at);
        (0..=u8::MAX).filter(differs).count()
    }

    #[test]
    fn the_decoys_have_the_shares_of_the_imported_hashes() {
        let decoys = imported([("argon2", 100), ("bcrypt", 50)], 400);
        // At most twice the 150 imported accounts are represented.
        assert_eq!(decoys.positions_of("argon2"), 256 / 3);
        assert_eq!(decoys.positions_of("bcrypt"), 256 / 6);
        let decoys = imported([("argon2", 100)], 160);
        assert_eq!(decoys.positions_of("argon2"), 256 * 100 / 160);
    }

    #[test]
    fn a_quarter_of_the_positions_has_no_decoy_if_all_accounts_were_imported() {
        assert_eq!(imported([("argon2", 300)], 300).templates.len(), 192);
        let names: Vec<_> = (0..300).map(|n| format!("class {n:03}")).collect();
        let mut many = Decoys::default();
        many.import(&names.iter().map(|name| (name.clone(), 1)).collect(), 300);
        assert_eq!(many.templates.len(), MAX_DECOYS);
    }

    #[test]
    fn a_rare_class_has_a_position() {
        let decoys = imported([("argon2", 100_000), ("bcrypt", 1)], 100_001);
        assert_eq!(decoys.positions_of("bcrypt"), 1);
    }

    #[test]
    fn every_class_has_a_position_if_the_shares_exceed_the_maximum() {
        let hashes = [("bcrypt 08", 1_000), ("bcrypt 10", 1), ("bcrypt 12", 1)];
        let mut decoys = imported(hashes, 1_002);
        let positions = |decoys: &Decoys| hashes.map(|(template, _)| decoys.positions_of(template));
        assert_eq!(positions(&decoys), [MAX_DECOYS - 2, 1, 1]);
        let before = decoys.clone();
        decoys.recount(&count(hashes, 1_002), EARLIER);
        assert_eq!(moved(&before, &decoys), 0);
        // A class that was not imported while the server ran has no position before the count.
        let mut decoys = imported([hashes[0]], 1_000);
        decoys.recount(&count(hashes, 1_002), EARLIER);
        assert_eq!(positions(&decoys)[1..], [1, 1]);
        assert!(decoys.templates.len() <= MAX_DECOYS);
    }

    #[test]
    fn an_import_moves_only_the_positions_of_its_share() {
        let before = imported([("argon2", 100), ("scrypt", 100)], 400);
        let mut after = before.clone();
        after.import(&numbers([("bcrypt", 40)]), 440);
        let gained = after.positions_of("bcrypt");
        let lost = |name| before.positions_of(name) - after.positions_of(name);
        assert_eq!(gained, 256 * 40 / 440);
        // The positions of `bcrypt` had no decoy before. Others lost theirs.
        assert_eq!(moved(&before, &after), gained + lost("argon2") + lost("scrypt"));
        let unused = |at: &u8| !before.templates.contains_key(at);
        assert!(after.templates.iter().all(|(at, name)| name != "bcrypt" || unused(at)));
    }

    #[test]
    fn sign_ins_remove_decoys_and_move_no_others() {
        let mut decoys = imported([("argon2", 100), ("bcrypt", 100)], 200);
        for in_use in [80, 40, 10, 1] {
            let before = decoys.clone();
            decoys.recount(&count([("argon2", in_use), ("bcrypt", 100)], 200), EARLIER);
            assert!(decoys.templates.iter().all(|(at, name)| before.templates[at] == *name));
        }
        assert_eq!(decoys.positions_of("argon2"), 1);
        assert_eq!(decoys.positions_of("bcrypt"), 95);
        decoys.recount(&count([("bcrypt", 100)], 200), EARLIER);
        assert_eq!(decoys.positions_of("argon2"), 0);
        assert!(!decoys.classes.contains_key("argon2"));
    }

    #[test]
    fn any_number_of_sign_ups_removes_at_most_half_of_the_decoys() {
        for total in [200, 300, 600, 10_000, 1_000_000] {
            let mut decoys = imported([("argon2", 200)], 200);
            decoys.recount(&count([("argon2", 200)], total), EARLIER);
            assert!(decoys.templates.len() >= 128, "{total}: {}", decoys.templates.len());
        }
    }

    #[test]
    fn a_recount_adds_no_decoy_except_the_first_time() {
        let mut decoys = imported([("argon2", 100)], 1_000);
        let before = decoys.clone();
        // Accounts were deleted, so the share of the imported hashes has grown.
        decoys.recount(&count([("argon2", 100)], 100), EARLIER);
        assert_eq!(moved(&before, &decoys), 0);
        decoys.recount(&count([("argon2", 100)], 100), None);
        assert_eq!(decoys.positions_of("argon2"), 191);
    }

    #[test]
    fn a_recount_is_due_once_a_day() {
        let hours = |hours| Timestamp::UNIX_EPOCH + Duration::from_hours(hours);
        assert!(is_recount_due(None, hours(0)));
        assert!(!is_recount_due(Some(hours(100)), hours(123)));
        assert!(is_recount_due(Some(hours(100)), hours(124)));
        assert!(!is_recount_due(Some(hours(100)), hours(99)));
        assert!(is_recount_due(Some(hours(100)), hours(76)), "the clock was set back");
    }
}
