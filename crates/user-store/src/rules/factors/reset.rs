//! The reset of a second factor by an operator.

use auth_core::{MailId, Timestamp};

use super::{FailuresRow, PendingTotpRow, Record};
use crate::audit::{Event, EventKind};
use crate::factors::ResetSecondFactorOutcome;
use crate::mails::NoticeKind;
use crate::rules::decision::Decision;
use crate::rules::mails::notice;
use crate::users::User;

/// The stored rows that decide whether there is anything to reset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResetRows<'a> {
    pub(crate) account: Option<&'a User>,
    /// The app that is being set up.
    pub(crate) pending: Option<&'a PendingTotpRow>,
    /// The number of the user's passkeys.
    pub(crate) passkeys: usize,
    pub(crate) failures: &'a FailuresRow,
}

/// Decides whether an operator must reset the second factor of a user. On [`Decision::Write`], the
/// transaction deletes the same rows as [`turn_second_factor_off`](super::turn_second_factor_off),
/// and all passkeys, and ends all sessions.
pub(crate) fn reset_second_factor(
    rows: ResetRows<'_>,
    id: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, ResetSecondFactorOutcome> {
    let Some(account) = rows.account else {
        return Decision::Return(ResetSecondFactorOutcome::NotFound);
    };
    let is_setting_up = rows.pending.is_some_and(|pending| now < pending.expires_at);
    let has_failures = *rows.failures != FailuresRow::default();
    let has_factor = account.second_factor_at.is_some() || rows.passkeys > 0;
    if !has_factor && !is_setting_up && !has_failures {
        return Decision::Return(ResetSecondFactorOutcome::NothingToReset);
    }
    let event = Event::by_operator(EventKind::SecondFactorReset, now).about(account.id);
    let kind = NoticeKind::SecondFactorReset;
    Decision::Write(Record { events: vec![event], notice: notice(id, kind, account, None, now) })
}
