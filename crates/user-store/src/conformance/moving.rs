use futures_util::future::join_all;

use super::{Deployment, NOW, creation, hash, user};
use crate::{EventKind, ImportUsersOutcome, StoredUser};

fn stored(email: &str) -> StoredUser {
    StoredUser { user: user(email), password_hash: hash() }
}

fn list<const N: usize>(emails: [&str; N]) -> Vec<StoredUser> {
    emails.into_iter().map(stored).collect()
}

pub async fn users_of_another_system_are_taken_over_as_they_are(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let mut users = list(["ada@example.com", "Grace@example.com"]);
    users[1].user.disabled_at = Some(NOW);
    let tried = store.check_import(&users).await.expect("an answer");
    assert_eq!(tried, ImportUsersOutcome::Imported);
    assert_eq!(store.export_users(None, 10).await.expect("an answer"), []);
    let imported = store.import_users(&users, NOW).await.expect("an answer");
    assert_eq!(imported, ImportUsersOutcome::Imported);
    let mut expected = users.clone();
    expected.sort_by_key(|stored| stored.user.id);
    assert_eq!(store.export_users(None, 10).await.expect("an answer"), expected);
    let page = store.export_users(Some(expected[0].user.id), 10).await.expect("an answer");
    assert_eq!(page, expected[1..]);
    let events = store.events(None, None, 10).await.expect("an answer");
    let kinds: Vec<_> = events.iter().map(|(_, event)| (event.kind.clone(), event.user)).collect();
    let told = users.iter().map(|stored| (EventKind::AccountCreated, Some(stored.user.id)));
    assert_eq!(kinds, told.collect::<Vec<_>>());
}

pub async fn of_a_list_with_one_user_who_is_there_none_is_taken_over(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let there = user("ada@example.com");
    store.create_user(&there, &hash(), &creation(&there)).await.expect("a free address");
    let mut users = list([
        "a@example.com",
        "ADA@example.com",
        "b@example.com",
        "B@example.com",
        "c@example.com",
    ]);
    users[4].user.id = there.id;
    let taken = ImportUsersOutcome::Taken(vec![1, 3, 4]);
    assert_eq!(store.check_import(&users).await.expect("an answer"), taken);
    assert_eq!(store.import_users(&users, NOW).await.expect("an answer"), taken);
    assert_eq!(store.users(None, 10).await.expect("an answer"), [there]);
    assert_eq!(store.events(None, None, 10).await.expect("an answer").len(), 1);
}

pub async fn of_two_lists_with_one_address_one_is_taken_over(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let lists = [["a@example.com", "both@example.com"], ["both@example.com", "b@example.com"]];
    let imports = lists.map(list);
    let imports = [&here, &there].into_iter().zip(&imports);
    let outcomes = join_all(imports.map(|(store, users)| store.import_users(users, NOW))).await;
    let imported =
        outcomes.iter().filter(|it| matches!(it, Ok(ImportUsersOutcome::Imported))).count();
    assert_eq!(imported, 1, "{outcomes:?}");
    assert_eq!(here.users(None, 10).await.expect("an answer").len(), 2);
}
