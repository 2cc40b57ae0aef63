//! Metadata of users.

use crate::audit::{Actor, EventKind};
use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, Server, hash, race, sign_up, sign_up_ada, two_servers, user};
use crate::metadata::{Metadata, MetadataChange, MetadataKind, MetadataValue, SetMetadataOutcome};
use crate::users::{ImportUsersOutcome, StoredUser, UpdateUserOutcome, User};

cases! {
    ($) metadata_cases in metadata;
    a_new_account_has_no_metadata,
    the_two_values_are_set_and_removed_independently,
    the_longest_value_is_stored,
    a_change_of_metadata_is_recorded_without_its_content,
    metadata_is_deleted_with_the_account,
    concurrent_changes_of_the_two_values_both_take_effect,
    the_data_of_a_user_contains_only_the_public_value,
    metadata_is_imported_and_exported,
}

fn value(json: &str) -> MetadataValue {
    MetadataValue::parse(json).unwrap()
}

async fn set(
    store: &Server,
    account: &User,
    kind: MetadataKind,
    json: Option<&str>,
) -> SetMetadataOutcome {
    let change = MetadataChange { user: account.id, kind, value: json.map(value) };
    store.set_metadata(&change, NOW).await.unwrap()
}

async fn metadata(store: &Server, account: &User) -> Option<Metadata> {
    store.metadata(account.id).await.unwrap()
}

async fn a_new_account_has_no_metadata(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    assert_eq!(metadata(&store, &ada).await, Some(Metadata::default()));
    assert_eq!(metadata(&store, &user("grace@example.com")).await, None);
}

async fn the_two_values_are_set_and_removed_independently(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let (grace, _) = sign_up(&store, "grace@example.com").await;
    let (public, private) = (value("{\"plan\":\"pro\"}"), value("[1,\"\\u0000\"]"));
    let mut expected = Metadata::default();
    let steps = [
        (MetadataKind::Public, Some(&public)),
        (MetadataKind::Private, Some(&private)),
        (MetadataKind::Private, Some(&public)),
        (MetadataKind::Public, None),
        (MetadataKind::Private, None),
        (MetadataKind::Private, None),
    ];
    for (kind, new) in steps {
        let outcome = set(&store, &ada, kind, new.map(MetadataValue::as_json)).await;
        assert_eq!(outcome, SetMetadataOutcome::Set);
        match kind {
            MetadataKind::Public => expected.public = new.cloned(),
            MetadataKind::Private => expected.private = new.cloned(),
        }
        assert_eq!(metadata(&store, &ada).await.as_ref(), Some(&expected));
    }
    assert_eq!(metadata(&store, &grace).await, Some(Metadata::default()));
}

async fn the_longest_value_is_stored(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let longest = format!("\"{}\"", "ä".repeat((MetadataValue::MAX_BYTES - 2) / 2));
    for kind in [MetadataKind::Public, MetadataKind::Private] {
        assert_eq!(set(&store, &ada, kind, Some(&longest)).await, SetMetadataOutcome::Set);
    }
    let stored = metadata(&store, &ada).await.unwrap();
    assert_eq!(stored.public.unwrap().as_json(), longest);
    assert_eq!(stored.private.unwrap().as_json(), longest);
}

async fn a_change_of_metadata_is_recorded_without_its_content(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    for kind in [MetadataKind::Public, MetadataKind::Private] {
        for _ in 0..2 {
            assert_eq!(set(&store, &ada, kind, Some("7")).await, SetMetadataOutcome::Set);
        }
    }
    let absent = user("grace@example.com");
    let outcome = set(&store, &absent, MetadataKind::Public, Some("7")).await;
    assert_eq!(outcome, SetMetadataOutcome::NotFound);
    let events = store.events(None, None, 10).await.unwrap();
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).skip(1).collect();
    assert_eq!(events.len(), 2, "{events:?}");
    for (event, detail) in events.iter().zip(["public", "private"]) {
        assert_eq!((&event.kind, event.actor), (&EventKind::MetadataChanged, Actor::Operator));
        assert_eq!((event.user, event.detail.as_deref()), (Some(ada.id), Some(detail)));
    }
}

async fn metadata_is_deleted_with_the_account(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let _ = set(&store, &ada, MetadataKind::Private, Some("7")).await;
    assert_eq!(store.delete_user(ada.id, None, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    assert_eq!(metadata(&store, &ada).await, None);
    let stored =
        StoredUser { user: ada.clone(), password_hash: hash(), metadata: Metadata::default() };
    let imported = store.import_users(&[stored], NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    assert_eq!(metadata(&store, &ada).await, Some(Metadata::default()));
}

async fn concurrent_changes_of_the_two_values_both_take_effect(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    let (ada, _) = sign_up_ada(&here).await;
    for round in 0..6 {
        let json = round.to_string();
        let outcomes = race(
            set(&here, &ada, MetadataKind::Public, Some(&json)),
            set(&there, &ada, MetadataKind::Private, Some(&json)),
        );
        assert_eq!(outcomes, (SetMetadataOutcome::Set, SetMetadataOutcome::Set));
        let expected = Metadata { public: Some(value(&json)), private: Some(value(&json)) };
        assert_eq!(metadata(&here, &ada).await, Some(expected));
    }
}

async fn the_data_of_a_user_contains_only_the_public_value(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up_ada(&store).await;
    let _ = set(&store, &ada, MetadataKind::Private, Some("\"private\"")).await;
    assert_eq!(store.user_data(ada.id).await.unwrap().unwrap().public_metadata, None);
    let _ = set(&store, &ada, MetadataKind::Public, Some("\"public\"")).await;
    let data = store.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!(data.public_metadata, Some(value("\"public\"")));
}

async fn metadata_is_imported_and_exported(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let stored = ["ada", "grace", "edsger"].map(|name| {
        let user = user(&format!("{name}@example.com"));
        let public = if name == "grace" { None } else { Some(value("{\"a\":1}")) };
        let private = if name == "ada" { Some(value("null")) } else { None };
        StoredUser { user, password_hash: hash(), metadata: Metadata { public, private } }
    });
    let imported = store.import_users(&stored, NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    let mut exported = store.export_users(None, 10).await.unwrap();
    exported.sort_unstable_by_key(|user| stored.iter().position(|other| other == user));
    assert_eq!(exported, stored);
}
