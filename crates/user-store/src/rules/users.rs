//! Decisions about accounts and passwords.

use std::collections::HashSet;
use std::iter;

use auth_core::{ClientInfo, PasswordHash, Session, Timestamp, UserId};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::rules::roles::role_granted;
use crate::users::{
    Challenge, DeviceVersion, ImportUsersOutcome, PasswordVersion, ReauthenticatedChangeOutcome,
    Reauthentication, StoredUser, UpdateUserOutcome,
};

/// The part of an account that decisions depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AccountState {
    pub(crate) id: UserId,
    pub(crate) password_version: PasswordVersion,
    pub(crate) disabled_at: Option<Timestamp>,
    pub(crate) device_version: DeviceVersion,
    pub(crate) second_factor_at: Option<Timestamp>,
}

impl AccountState {
    /// Returns `true` if the account is enabled and `password` is the version of its current
    /// password.
    pub(crate) fn accepts(&self, password: PasswordVersion) -> bool {
        self.disabled_at.is_none() && self.password_version == password
    }
}

/// Decides whether the user may change the password. `session` and `account` are the stored ones,
/// if they still exist. On [`Decision::Write`], the transaction saves the new password and ends all
/// other sessions.
pub(crate) fn change_password(
    reauthentication: &Reauthentication,
    session: Option<&Session>,
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, ReauthenticatedChangeOutcome> {
    let Reauthentication { session: claimed, client, .. } = reauthentication;
    match authorize(reauthentication, session, account, now) {
        Some(rejected) => Decision::Return(rejected),
        None => {
            let event = Event::by_user(EventKind::PasswordChanged, now, client.clone());
            Decision::Write(event.about(claimed.user_id).in_session(claimed.id))
        }
    }
}

/// Decides whether the user may delete the account. The event contains the id of the account, but
/// neither the session nor the client.
pub(crate) fn delete_own_account(
    reauthentication: &Reauthentication,
    session: Option<&Session>,
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, ReauthenticatedChangeOutcome> {
    match authorize(reauthentication, session, account, now) {
        Some(rejected) => Decision::Return(rejected),
        None => {
            let event = Event::by_user(EventKind::AccountDeleted, now, ClientInfo::default());
            Decision::Write(event.about(reauthentication.session.user_id))
        }
    }
}

/// Checks whether a reauthentication authorises a change. If it does not, returns the outcome that
/// says why.
pub(crate) fn authorize(
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

/// Decides whether an operator may set the password. On [`Decision::Write`], the transaction saves
/// the new password and ends all sessions.
pub(crate) fn set_password(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(account) => Decision::Write(by_operator(EventKind::PasswordChanged, account.id, now)),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// Decides whether an account must be disabled. On [`Decision::Write`], the transaction saves `now`
/// as `disabled_at`, and deletes all codes of the account and the app that is being set up. The
/// transaction ends all sessions even if the account is already disabled.
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

/// Decides whether an account must be enabled.
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

/// Decides whether an operator may delete the account.
pub(crate) fn delete_user(
    account: Option<&AccountState>,
    now: Timestamp,
) -> Decision<Event, UpdateUserOutcome> {
    match account {
        Some(account) => Decision::Write(by_operator(EventKind::AccountDeleted, account.id, now)),
        None => Decision::Return(UpdateUserOutcome::NotFound),
    }
}

/// A hash in Latchkey's own format. It is parsed for an email address that has neither an account
/// nor a decoy, so that the lookup takes as long as one that finds an account.
pub(crate) const OWN_FORMAT: &str = "$pbkdf2-sha256$i=600000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Returns the challenge for an email address without an enabled account. `hash` is its decoy, or
/// [`OWN_FORMAT`].
pub(crate) fn decoy(hash: PasswordHash) -> Challenge {
    let takes_own_work = hash.iterations().is_some() || hash.is_unusable();
    Challenge::Decoy(if takes_own_work { None } else { Some(hash) })
}

/// Checks a list of accounts to import. `existing` contains the indices of the entries whose id or
/// email address belongs to an account in the store.
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

/// Builds the events for one imported account: one for the account, and one for each of its roles.
pub(crate) fn account_imported(imported: &StoredUser, now: Timestamp) -> Vec<Event> {
    let user = &imported.user;
    let created = by_operator(EventKind::AccountCreated, user.id, now);
    let granted = user.roles.iter().map(|role| role_granted(user.id, role, now));
    iter::once(created).chain(granted).collect()
}

fn by_operator(kind: EventKind, user: UserId, now: Timestamp) -> Event {
    Event::by_operator(kind, now).about(user)
}

#[cfg(test)]
mod tests {
    use auth_core::Amr;
    use auth_core::{Email, OpenSession, Roles, SessionPolicy, SystemRandom};

    use super::*;
    use crate::metadata::Metadata;
    use crate::users::User;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const CURRENT: PasswordVersion = PasswordVersion(7);

    fn account() -> AccountState {
        let id = UserId::generate(NOW, &SystemRandom);
        AccountState {
            id,
            password_version: CURRENT,
            disabled_at: None,
            device_version: DeviceVersion(0),
            second_factor_at: None,
        }
    }

    fn reauthentication(account: &AccountState) -> Reauthentication {
        let policy = &SessionPolicy::default();
        let open = OpenSession { user_id: account.id, remember: false, amr: Amr::PASSWORD, policy };
        let session = Session::open(open, NOW, &SystemRandom);
        let client = ClientInfo::new(None, Some("Browser/1.0"));
        Reauthentication { session, client, verified: CURRENT }
    }

    #[test]
    fn a_reauthentication_is_valid_while_its_session_and_password_are_current() {
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
    fn the_event_of_a_deletion_contains_only_the_user_id() {
        let account = account();
        let proof = reauthentication(&account);
        let deleted = delete_own_account(&proof, Some(&proof.session), Some(&account), NOW);
        let event = Event::by_user(EventKind::AccountDeleted, NOW, ClientInfo::default());
        assert_eq!(deleted, Decision::Write(event.about(account.id)));
    }

    #[test]
    fn disabling_or_enabling_an_account_again_changes_nothing() {
        let enabled = account();
        let disabled = AccountState { disabled_at: Some(NOW), ..enabled };
        let updated = Decision::Return(UpdateUserOutcome::Updated);
        assert!(matches!(disable_user(Some(&enabled), NOW), Decision::Write(_)));
        assert_eq!(disable_user(Some(&disabled), NOW), updated);
        assert!(matches!(enable_user(Some(&disabled), NOW), Decision::Write(_)));
        assert_eq!(enable_user(Some(&enabled), NOW), updated);
    }

    #[test]
    fn an_import_is_rejected_for_duplicates_in_the_list_or_the_store() {
        let hash: PasswordHash = "$pbkdf2-sha256$i=1000,l=32$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".parse().unwrap();
        let mut users =
            ["a@example.com", "A@Example.com", "b@example.com", "c@example.com"].map(|email| {
                let email = Email::parse(email).unwrap();
                let id = UserId::generate(NOW, &SystemRandom);
                let user = User {
                    id,
                    email,
                    created_at: NOW,
                    disabled_at: None,
                    email_verified_at: None,
                    second_factor_at: None,
                    roles: Roles::NONE,
                };
                StoredUser { user, password_hash: hash.clone(), metadata: Metadata::default() }
            });
        users[3].user.id = users[2].user.id;
        let outcome = check_import(&users, &HashSet::from([0]));
        assert_eq!(outcome, ImportUsersOutcome::Taken(vec![0, 1, 3]));
        assert_eq!(check_import(&users[2..3], &HashSet::new()), ImportUsersOutcome::Imported);
    }
}
