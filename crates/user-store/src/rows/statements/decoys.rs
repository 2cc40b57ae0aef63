use auth_core::{DecoyKey, Timestamp};

use crate::rows::{Result, Tx, row};
use crate::rules::decoys::{AccountCount, DecoyState, Decoys, count_by_template};

pub(in crate::rows) fn key(tx: Tx<'_>) -> Result<Option<DecoyKey>> {
    Ok(tx.decoys()?.key)
}

pub(in crate::rows) fn set_key(tx: Tx<'_>, key: &DecoyKey) -> Result<()> {
    let stored = tx.decoys()?;
    tx.save_decoys(&row::Decoys { key: Some(key.clone()), ..stored })
}

pub(in crate::rows) fn state(tx: Tx<'_>) -> Result<DecoyState> {
    let row::Decoys { version, counted_at, .. } = tx.decoys()?;
    Ok(DecoyState { version, counted_at })
}

pub(in crate::rows) fn set_counted_at(tx: Tx<'_>, now: Timestamp) -> Result<()> {
    let stored = tx.decoys()?;
    tx.save_decoys(&row::Decoys { counted_at: Some(now), ..stored })
}

pub(in crate::rows) fn all(tx: Tx<'_>) -> Result<Decoys> {
    let row::Decoys { classes, templates, .. } = tx.decoys()?;
    Ok(Decoys { classes, templates })
}

/// Replaces all decoys, and increments their version.
pub(in crate::rows) fn replace(tx: Tx<'_>, decoys: &Decoys) -> Result<()> {
    let stored = tx.decoys()?;
    let Decoys { classes, templates } = decoys.clone();
    tx.save_decoys(&row::Decoys { version: stored.version + 1, classes, templates, ..stored })
}

/// Counts the accounts by the templates of their hashes.
pub(in crate::rows) fn count(tx: Tx<'_>) -> Result<AccountCount> {
    const PAGE: u32 = 1_000;
    let mut count = AccountCount::default();
    let mut after = None;
    loop {
        let page = tx.accounts(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(last.user.id);
        for (template, accounts) in
            count_by_template(page.iter().map(|account| &account.password_hash))
        {
            *count.by_template.entry(template).or_default() += accounts;
        }
        count.total = count.total.saturating_add(u32::try_from(page.len()).unwrap_or(u32::MAX));
    }
}

pub(in crate::rows) fn total(tx: Tx<'_>) -> Result<u32> {
    tx.count_accounts()
}
