//! Decisions about accounts and passwords.

use std::collections::HashSet;

use auth_core::{ClientInfo, Session, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::users::{
    ImportUsersOutcome, PasswordVersion, ReauthenticatedChangeOutcome, Reauthentication,
    StoredUser, UpdateUserOutcome,
};

/// The part of an account that decisions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountState {
    pub(crate) id: UserId,
    pub(crate) password_version: PasswordVersion,
    pub(crate) disabled_at: Option<Timestamp>,
}

impl AccountState {
    /// Returns whether a user can sign in with this password.
    pub(crate) fn accepts(&self, password: PasswordVersion) -> bool {
        self.disabled_at.is_none() && self.password_version == password
    }
}

/// Decides about a password change by the user. `session` and `account` are the stored ones, if
/// they still exist. To be written: the new password, and the end of all other sessions.
pub(crate) fn change_password(
    reauthentication: &Reauthentication,
    session: Option<&Session>,
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, ReauthenticatedChangeOutcome> {
    let Reauthentication { session: claimed, client, .. } = reauthentication;
    match authorize(reauthentication, session, account, now) {
        Some(refusal) => Decision::Return(refusal),
        None => {
            let event = Event::by_user(EventKind::PasswordChanged, now, client.clone());
            Decision::Write(event.about(claimed.user_id).in_session(claimed.id))
        }
    }
}

/// Decides about a deletion of the account by its user. The event names neither the session nor
/// the client: nothing but the id is kept.
pub(crate) fn delete_own_account(
    reauthentication: &Reauthentication,
    session: Option<&Session>,
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, ReauthenticatedChangeOutcome> {
    match authorize(reauthentication, session, account, now) {
        Some(refusal) => Decision::Return(refusal),
        None => {
            let event = Event::by_user(EventKind::AccountDeleted, now, ClientInfo::default());
            Decision::Write(event.about(reauthentication.session.user_id))
        }
    }
}

/// Returns why a reauthentication does not authorise a change, if it does not.
fn authorize(
    reauthentication: &Reauthentication,
    session: Option<&Session>,
    account: Option<&AccountState>,
    now: Timestamp,
) -> Option<ReauthenticatedChangeOutcome> {
    let Reauthentication { session: claimed, verified, .. } = reauthentication;
    if !session.is_some_and(|stored| stored.user_id == claimed.user_id && stored.is_alive(now)) {
        return Some(ReauthenticatedChangeOutcome::SessionEnded);
    }
    if !account.is_some_and(|account| account.accepts(*verified)) {
        return Some(ReauthenticatedChangeOutcome::CredentialsChanged);
    }
    None
}

/// Decides about a password set by an operator. To be written: the new password, and the end of
/// all sessions.
pub(crate) fn set_password(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(account) => Decision::Write(by_operator(EventKind::PasswordChanged, account.id, now)),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// Decides about disabling an account. To be written: `now` as the time. In any case all sessions
/// are ended, also if the account is disabled already.
pub(crate) fn disable_user(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(AccountState { id, disabled_at: None, .. }) => {
            Decision::Write(by_operator(EventKind::AccountDisabled, *id, now))
        }
        Some(_) => Decision::Return(UpdateUserOutcome::Updated),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// Decides about enabling an account.
pub(crate) fn enable_user(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(AccountState { id, disabled_at: Some(_), .. }) => {
            Decision::Write(by_operator(EventKind::AccountEnabled, *id, now))
        }
        Some(_) => Decision::Return(UpdateUserOutcome::Updated),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// Decides about a deletion of the account by an operator.
pub(crate) fn delete_user(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(account) => Decision::Write(by_operator(EventKind::AccountDeleted, account.id, now)),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// Judges a list of accounts to import. `existing` are the indices of those whose id or email
/// address an account in the store has.
pub(crate) fn check_import(users: &[StoredUser], existing: &HashSet<usize>) -> ImportUsersOutcome {
    let mut ids = HashSet::new();
    let mut emails = HashSet::new();
    let mut taken = Vec::new();
    for (index, StoredUser { user, .. }) in users.iter().enumerate() {
        let is_new_id = ids.insert(user.id);
        let is_new_email = emails.insert(user.email.key());
        if !is_new_id || !is_new_email || existing.contains(&index) {
            taken.push(index);
        }
    }
    match taken.is_empty() {
        true => ImportUsersOutcome::Imported,
        false => ImportUsersOutcome::Taken(taken),
    }
}

/// Builds the event of one imported account.
pub(crate) fn account_imported(user: UserId, now: Timestamp) -> Event {
    by_operator(EventKind::AccountCreated, user, now)
}

fn by_operator(kind: EventKind, user: UserId, now: Timestamp) -> Event {
    Event::by_operator(kind, now).about(user)
}

#[cfg(test)]
mod tests {
    use auth_core::{Email, PasswordHash, SessionPolicy, SystemRandom};

    use super::*;
    use crate::users::User;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const CURRENT: PasswordVersion = PasswordVersion(7);

    fn account() -> AccountState {
        let id = UserId::generate(NOW, &SystemRandom);
        AccountState { id, password_version: CURRENT, disabled_at: None }
    }

    fn reauthentication(account: &AccountState) -> Reauthentication {
        let policy = SessionPolicy::default();
        let session = Session::open(account.id, NOW, false, &policy, &SystemRandom);
        let client = ClientInfo::new(None, Some("Browser/1.0"));
        Reauthentication { session, client, verified: CURRENT }
    }

    #[test]
    fn a_reauthentication_authorises_while_its_session_and_password_are_current() {
        let account = account();
        let proof = reauthentication(&account);
        let session = Some(&proof.session);
        let event = Event::by_user(EventKind::PasswordChanged, NOW, proof.client.clone());
        let event = event.about(account.id).in_session(proof.session.id);
        let changed = change_password(&proof, session, Some(&account), NOW);
        assert_eq!(changed, Decision::Write(event));

        let ended = Decision::Return(ReauthenticatedChangeOutcome::SessionEnded);
        assert_eq!(change_password(&proof, None, Some(&account), NOW), ended);
        let late = proof.session.idle_expires_at;
        assert_eq!(change_password(&proof, session, Some(&account), late), ended);
        let of_another_user =
            Session { user_id: UserId::generate(NOW, &SystemRandom), ..proof.session };
        assert_eq!(change_password(&proof, Some(&of_another_user), Some(&account), NOW), ended);

        let stale = Decision::Return(ReauthenticatedChangeOutcome::CredentialsChanged);
        let changed = AccountState { password_version: CURRENT.next(), ..account };
        let disabled = AccountState { disabled_at: Some(NOW), ..account };
        for account in [Some(&changed), Some(&disabled), None] {
            assert_eq!(change_password(&proof, session, account, NOW), stale);
            assert_eq!(delete_own_account(&proof, session, account, NOW), stale);
        }
    }

    #[test]
    fn the_event_of_a_deletion_keeps_nothing_but_the_id() {
        let account = account();
        let proof = reauthentication(&account);
        let deleted = delete_own_account(&proof, Some(&proof.session), Some(&account), NOW);
        let event = Event::by_user(EventKind::AccountDeleted, NOW, ClientInfo::default());
        assert_eq!(deleted, Decision::Write(event.about(account.id)));
    }

    #[test]
    fn disabling_and_enabling_an_account_twice_changes_nothing_more() {
        let enabled = account();
        let disabled = AccountState { disabled_at: Some(NOW), ..enabled };
        let updated = Decision::Return(UpdateUserOutcome::Updated);
        assert!(matches!(disable_user(Some(&enabled), NOW), Decision::Write(_)));
        assert_eq!(disable_user(Some(&disabled), NOW), updated);
        assert!(matches!(enable_user(Some(&disabled), NOW), Decision::Write(_)));
        assert_eq!(enable_user(Some(&enabled), NOW), updated);
    }

    #[test]
    fn an_import_is_refused_for_duplicates_in_the_list_and_in_the_store() {
        let hash: PasswordHash = "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let mut users =
            ["a@example.com", "A@Example.com", "b@example.com", "c@example.com"].map(|email| {
                let email = Email::parse(email).unwrap();
                let id = UserId::generate(NOW, &SystemRandom);
                let user = User { id, email, created_at: NOW, disabled_at: None };
                StoredUser { user, password_hash: hash.clone() }
            });
        users[3].user.id = users[2].user.id;
        let outcome = check_import(&users, &HashSet::from([0]));
        assert_eq!(outcome, ImportUsersOutcome::Taken(vec![0, 1, 3]));
        assert_eq!(check_import(&users[2..3], &HashSet::new()), ImportUsersOutcome::Imported);
    }
}
