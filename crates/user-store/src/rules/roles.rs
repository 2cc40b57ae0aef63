//! Decisions about roles.

use auth_core::{Role, Roles, Timestamp, TooManyRoles, UserId};

use crate::audit::{Event, EventKind};
use crate::rules::decision::Decision;
use crate::users::{GrantRoleOutcome, RevokeRoleOutcome, User};

/// The roles to save, and the event to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolesWrite {
    pub(crate) roles: Roles,
    pub(crate) event: Event,
}

/// Decides whether an operator may grant a role.
pub(crate) fn grant_role(
    account: Option<&User>,
    role: &Role,
    now: Timestamp,
) -> Decision<RolesWrite, GrantRoleOutcome> {
    let Some(account) = account else { return Decision::Return(GrantRoleOutcome::NotFound) };
    match account.roles.with(role) {
        Ok(roles) if roles == account.roles => Decision::Return(GrantRoleOutcome::Unchanged),
        Ok(roles) => Decision::Write(RolesWrite {
            roles,
            event: role_granted(account.id, role.as_str(), now),
        }),
        Err(TooManyRoles) => Decision::Return(GrantRoleOutcome::TooManyRoles),
    }
}

/// Decides whether an operator may revoke a role.
pub(crate) fn revoke_role(
    account: Option<&User>,
    role: &Role,
    now: Timestamp,
) -> Decision<RolesWrite, RevokeRoleOutcome> {
    let Some(account) = account else { return Decision::Return(RevokeRoleOutcome::NotFound) };
    if !account.roles.contains(role.as_str()) {
        return Decision::Return(RevokeRoleOutcome::Unchanged);
    }
    let event = Event::by_operator(EventKind::RoleRevoked, now).about(account.id);
    Decision::Write(RolesWrite {
        roles: account.roles.without(role),
        event: event.with_detail(role.as_str()),
    })
}

/// Builds the event for one granted role.
pub(crate) fn role_granted(user: UserId, role: &str, now: Timestamp) -> Event {
    Event::by_operator(EventKind::RoleGranted, now).about(user).with_detail(role)
}

#[cfg(test)]
mod tests {
    use auth_core::{Email, SystemRandom};

    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn user(roles: Roles) -> User {
        User {
            id: UserId::generate(NOW, &SystemRandom),
            email: Email::parse("ada@example.com").unwrap(),
            created_at: NOW,
            disabled_at: None,
            email_verified_at: None,
            second_factor_at: None,
            roles,
        }
    }

    fn role(name: &str) -> Role {
        Role::parse(name).unwrap()
    }

    #[test]
    fn a_role_is_granted_once_and_revoked_once() {
        let ada = user(Roles::NONE);
        let Decision::Write(granted) = grant_role(Some(&ada), &role("admin"), NOW) else {
            panic!("the role is new");
        };
        assert_eq!(granted.roles.as_str(), "admin");
        assert_eq!(granted.event.detail.as_deref(), Some("admin"));
        let admin = User { roles: granted.roles, ..ada.clone() };
        let again = grant_role(Some(&admin), &role("admin"), NOW);
        assert_eq!(again, Decision::Return(GrantRoleOutcome::Unchanged));

        let Decision::Write(revoked) = revoke_role(Some(&admin), &role("admin"), NOW) else {
            panic!("the user has the role");
        };
        assert_eq!(revoked.roles, Roles::NONE);
        assert_eq!(revoked.event.kind, EventKind::RoleRevoked);
        let again = revoke_role(Some(&ada), &role("admin"), NOW);
        assert_eq!(again, Decision::Return(RevokeRoleOutcome::Unchanged));
    }

    #[test]
    fn the_thirty_third_role_is_rejected() {
        let full = Roles::new((0..32).map(|n| role(&format!("role-{n}")))).unwrap();
        let outcome = grant_role(Some(&user(full)), &role("admin"), NOW);
        assert_eq!(outcome, Decision::Return(GrantRoleOutcome::TooManyRoles));
    }
}
