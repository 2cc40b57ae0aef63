//! Imports of accounts.

use futures_util::future::join_all;

use crate::audit::EventKind;
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, creation, hash, two_servers, user};
use crate::metadata::Metadata;
use crate::users::{ImportUsersOutcome, StoredUser};

cases! {
    ($) imports_cases in imports;
    users_are_imported_unchanged,
    an_import_with_one_existing_user_changes_nothing,
    concurrent_imports_of_one_email_succeed_once,
}

async fn users_are_imported_unchanged(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let mut users = list(["ada@example.com", "Grace@example.com"]);
    users[1].user.disabled_at = Some(NOW);
    let checked = store.check_import(&users).await.unwrap();
    assert_eq!(checked, ImportUsersOutcome::Imported);
    assert_eq!(store.export_users(None, 10).await.unwrap(), []);
    let imported = store.import_users(&users, NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    let mut expected = users.clone();
    expected.sort_by_key(|stored| stored.user.id);
    assert_eq!(store.export_users(None, 10).await.unwrap(), expected);
    let page = store.export_users(Some(expected[0].user.id), 10).await.unwrap();
    assert_eq!(page, expected[1..]);
    let events = store.events(None, None, 10).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|(_, event)| (event.kind.clone(), event.user)).collect();
    let recorded = users.iter().map(|stored| (EventKind::AccountCreated, Some(stored.user.id)));
    assert_eq!(kinds, recorded.collect::<Vec<_>>());
}

async fn an_import_with_one_existing_user_changes_nothing(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let existing = user("ada@example.com");
    store.create_user(&existing, &hash(), &creation(&existing), None).await.unwrap();
    let mut users = list([
        "a@example.com",
        "ADA@example.com",
        "b@example.com",
        "B@example.com",
        "c@example.com",
    ]);
    users[4].user.id = existing.id;
    let taken = ImportUsersOutcome::Taken(vec![1, 3, 4]);
    assert_eq!(store.check_import(&users).await.unwrap(), taken);
    assert_eq!(store.import_users(&users, NOW).await.unwrap(), taken);
    assert_eq!(store.users(None, 10).await.unwrap(), [existing]);
    assert_eq!(store.events(None, None, 10).await.unwrap().len(), 1);
}

async fn concurrent_imports_of_one_email_succeed_once(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let lists = [["a@example.com", "both@example.com"], ["both@example.com", "b@example.com"]];
    let imports = lists.map(list);
    let imports = [&here, &there].into_iter().zip(&imports);
    let outcomes = join_all(imports.map(|(store, users)| store.import_users(users, NOW))).await;
    let imported =
        outcomes.iter().filter(|it| matches!(it, Ok(ImportUsersOutcome::Imported))).count();
    assert_eq!(imported, 1, "{outcomes:?}");
    assert_eq!(here.users(None, 10).await.unwrap().len(), 2);
}

fn stored(email: &str) -> StoredUser {
    StoredUser { user: user(email), password_hash: hash(), metadata: Metadata::default() }
}

fn list<const N: usize>(emails: [&str; N]) -> Vec<StoredUser> {
    emails.into_iter().map(stored).collect()
}
