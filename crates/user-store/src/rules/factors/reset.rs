//! The reset of a second factor by an operator.

use auth_core::{MailId, Timestamp};

use super::{FailuresRow, Record};
use crate::audit::{Event, EventKind};
use crate::factors::ResetSecondFactorOutcome;
use crate::mails::NoticeKind;
use crate::rules::decision::Decision;
use crate::rules::mails::notice;
use crate::users::User;

/// Decides whether an operator must reset the second factor of a user with this number of passkeys.
/// On [`Decision::Write`], the transaction deletes the same rows as
/// [`turn_second_factor_off`](super::turn_second_factor_off), and all passkeys, and ends all
/// sessions.
pub(crate) fn reset_second_factor(
    account: Option<&User>,
    passkeys: usize,
    failures: &FailuresRow,
    id: Option<MailId>,
    now: Timestamp,
) -> Decision<Record, ResetSecondFactorOutcome> {
    let Some(account) = account else {
        return Decision::Return(ResetSecondFactorOutcome::NotFound);
    };
    let has_failures = *failures != FailuresRow::default();
    if account.second_factor_at.is_none() && passkeys == 0 && !has_failures {
        return Decision::Return(ResetSecondFactorOutcome::NothingToReset);
    }
    let event = Event::by_operator(EventKind::SecondFactorReset, now).about(account.id);
    let kind = NoticeKind::SecondFactorReset;
    Decision::Write(Record { events: vec![event], notice: notice(id, kind, account, None, now) })
}
