//! Roles of users.

use auth_core::{ClientInfo, Role, Roles, SessionPolicy, SystemRandom, UserId};

use crate::audit::{Actor, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, Server, hash, new_session, race, race_all, sign_in_ada, sign_up_ada, two_servers, user,
};
use crate::conformance::steps::{current_credentials, open};
use crate::metadata::Metadata;
use crate::sessions::{OpenSessionOutcome, RotateOutcome, Rotation};
use crate::users::{
    GrantRoleOutcome, ImportUsersOutcome, RevokeRoleOutcome, StoredUser, UpdateUserOutcome,
};

cases! {
    ($) roles_cases in roles;
    a_granted_role_is_returned_with_the_account_and_its_sessions,
    a_revoked_role_is_gone_from_open_sessions,
    a_sign_in_and_a_refresh_return_the_roles,
    a_change_of_roles_is_recorded_once_with_the_role,
    the_thirty_third_role_is_rejected,
    the_roles_of_an_absent_account_cannot_be_changed,
    concurrent_grants_all_take_effect,
    a_grant_during_a_revocation_of_another_role_takes_effect,
    concurrent_grants_do_not_exceed_the_maximum_number_of_roles,
    roles_are_imported_and_exported,
}

fn role(name: &str) -> Role {
    Role::parse(name).unwrap()
}

async fn roles_of(store: &Server, id: UserId) -> String {
    store.user(id).await.unwrap().unwrap().roles.to_string()
}

async fn a_granted_role_is_returned_with_the_account_and_its_sessions(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, session) = sign_in_ada(&here).await;
    assert!(here.user(ada.id).await.unwrap().unwrap().roles.is_empty());
    for name in ["editor", "admin"] {
        let granted = here.grant_role(ada.id, &role(name), NOW).await.unwrap();
        assert_eq!(granted, GrantRoleOutcome::Granted);
    }
    assert_eq!(roles_of(&there, ada.id).await, "admin editor");
    let by_email = there.user_by_email(ada.email.key()).await.unwrap().unwrap();
    assert_eq!(by_email.roles.as_str(), "admin editor");
    let listed = there.users(None, 10).await.unwrap();
    assert_eq!(listed[0].roles.as_str(), "admin editor");
    let active = there.session(session.id, NOW).await.unwrap().unwrap();
    assert!(active.user.roles.contains("admin"));
}

async fn a_revoked_role_is_gone_from_open_sessions(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, session) = sign_in_ada(&here).await;
    for name in ["admin", "editor"] {
        let granted = here.grant_role(ada.id, &role(name), NOW).await.unwrap();
        assert_eq!(granted, GrantRoleOutcome::Granted);
    }
    let revoked = here.revoke_role(ada.id, &role("admin"), NOW).await.unwrap();
    assert_eq!(revoked, RevokeRoleOutcome::Revoked);
    let active = there.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!(active.user.roles.as_str(), "editor");
}

async fn a_sign_in_and_a_refresh_return_the_roles(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let _ = store.grant_role(ada.id, &role("admin"), NOW).await.unwrap();
    let (new, token) = new_session(&ada);
    let verified = current_credentials(&store, &ada).await.password_version;
    let opened = store.open_session(&new, verified, None).await.unwrap();
    let OpenSessionOutcome::Opened { user, .. } = opened else {
        unreachable!("the credentials were read just before");
    };
    assert_eq!(user.roles.as_str(), "admin");

    let _ = store.grant_role(ada.id, &role("editor"), NOW).await.unwrap();
    let policy = SessionPolicy::default();
    let refresh = async || {
        let (rotation, _) = Rotation::new(&token, ClientInfo::default(), &SystemRandom);
        match store.rotate_refresh_token(&rotation, &policy, NOW).await.unwrap() {
            RotateOutcome::Rotated(_, roles) => (false, roles.to_string()),
            RotateOutcome::Repeated(_, roles, _) => (true, roles.to_string()),
            rejected => unreachable!("the token is valid: {rejected:?}"),
        }
    };
    assert_eq!(refresh().await, (false, "admin editor".to_owned()));
    let _ = store.revoke_role(ada.id, &role("admin"), NOW).await.unwrap();
    assert_eq!(refresh().await, (true, "editor".to_owned()));
}

async fn a_change_of_roles_is_recorded_once_with_the_role(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let admin = role("admin");
    let revoked = store.revoke_role(ada.id, &admin, NOW).await.unwrap();
    assert_eq!(revoked, RevokeRoleOutcome::Unchanged);
    for expected in [GrantRoleOutcome::Granted, GrantRoleOutcome::Unchanged] {
        assert_eq!(store.grant_role(ada.id, &admin, NOW).await.unwrap(), expected);
    }
    for expected in [RevokeRoleOutcome::Revoked, RevokeRoleOutcome::Unchanged] {
        assert_eq!(store.revoke_role(ada.id, &admin, NOW).await.unwrap(), expected);
    }
    let events = store.events(Some(ada.id), None, 10).await.unwrap();
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).skip(1).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    for (event, kind) in events.iter().zip([EventKind::RoleGranted, EventKind::RoleRevoked]) {
        assert_eq!((&event.kind, event.actor), (&kind, Actor::Operator));
        assert_eq!(event.detail.as_deref(), Some("admin"));
        assert_eq!((event.user, event.at), (Some(ada.id), NOW));
    }
}

async fn the_thirty_third_role_is_rejected(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    for n in 0..Roles::MAX_COUNT {
        let granted = store.grant_role(ada.id, &role(&format!("role-{n}")), NOW).await.unwrap();
        assert_eq!(granted, GrantRoleOutcome::Granted);
    }
    let granted = store.grant_role(ada.id, &role("admin"), NOW).await.unwrap();
    assert_eq!(granted, GrantRoleOutcome::TooManyRoles);
    let again = store.grant_role(ada.id, &role("role-0"), NOW).await.unwrap();
    assert_eq!(again, GrantRoleOutcome::Unchanged);
}

async fn the_roles_of_an_absent_account_cannot_be_changed(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let granted = store.grant_role(ada.id, &role("admin"), NOW).await.unwrap();
    assert_eq!(granted, GrantRoleOutcome::NotFound);
    let revoked = store.revoke_role(ada.id, &role("admin"), NOW).await.unwrap();
    assert_eq!(revoked, RevokeRoleOutcome::NotFound);
}

async fn concurrent_grants_all_take_effect(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    let roles: Vec<_> = (0..8).map(|n| role(&format!("role-{n}"))).collect();
    let grants = roles.iter().enumerate().map(|(n, role)| {
        let store = &servers[n % 2];
        async move { store.grant_role(ada.id, role, NOW).await.unwrap() }
    });
    for granted in race_all(grants) {
        assert_eq!(granted, GrantRoleOutcome::Granted);
    }
    let names: Vec<_> = roles.iter().map(Role::as_str).collect();
    assert_eq!(roles_of(&servers[0], ada.id).await, names.join(" "));
}

async fn a_grant_during_a_revocation_of_another_role_takes_effect(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    let (old, new) = (role("old"), role("new"));
    for _ in 0..6 {
        let _ = here.revoke_role(ada.id, &new, NOW).await.unwrap();
        let _ = here.grant_role(ada.id, &old, NOW).await.unwrap();
        let (granted, revoked) =
            race(async { here.grant_role(ada.id, &new, NOW).await.unwrap() }, async {
                there.revoke_role(ada.id, &old, NOW).await.unwrap()
            });
        assert_eq!((granted, revoked), (GrantRoleOutcome::Granted, RevokeRoleOutcome::Revoked));
        assert_eq!(roles_of(&there, ada.id).await, "new");
    }
}

async fn concurrent_grants_do_not_exceed_the_maximum_number_of_roles(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&servers[0]).await;
    for n in 1..Roles::MAX_COUNT {
        let _ = servers[0].grant_role(ada.id, &role(&format!("role-{n}")), NOW).await.unwrap();
    }
    let grants = (0..4).map(|n| {
        let store = &servers[n % 2];
        async move { store.grant_role(ada.id, &role(&format!("last-{n}")), NOW).await.unwrap() }
    });
    let outcomes = race_all(grants);
    let granted = outcomes.iter().filter(|outcome| **outcome == GrantRoleOutcome::Granted);
    assert_eq!(granted.count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&GrantRoleOutcome::TooManyRoles), "{outcomes:?}");
}

async fn roles_are_imported_and_exported(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let mut ada = user("ada@example.com");
    ada.roles = Roles::new(["admin", "editor"].map(role)).unwrap();
    let stored =
        StoredUser { user: ada.clone(), password_hash: hash(), metadata: Metadata::default() };
    let imported = store.import_users(std::slice::from_ref(&stored), NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    assert_eq!(store.export_users(None, 10).await.unwrap(), [stored]);
    let events = store.events(Some(ada.id), None, 10).await.unwrap();
    let events: Vec<_> =
        events.iter().map(|(_, event)| (&event.kind, event.detail.as_deref())).collect();
    let expected = [
        (&EventKind::AccountCreated, None),
        (&EventKind::RoleGranted, Some("admin")),
        (&EventKind::RoleGranted, Some("editor")),
    ];
    assert_eq!(events, expected);
    let (session, _) = open(&store, &ada).await;
    assert!(store.session(session.id, NOW).await.unwrap().unwrap().user.roles.contains("admin"));
}
