use std::time::Duration;

use auth_core::{DecoyKey, DecoyPosition, Email, PasswordHash, SystemRandom};
use futures_util::future::join_all;

use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{
    NOW, Server, creation, current_credentials, hash, new_session, opened_for, sign_up,
    two_servers, user,
};
use crate::decoys::RecountOutcome;
use crate::metadata::Metadata;
use crate::users::{Challenge, ImportUsersOutcome, StoredUser, UpdateUserOutcome, User};

cases! {
    ($) decoys_cases in decoys;
    servers_agree_on_the_decoy_key,
    without_an_import_there_are_no_decoys,
    an_import_adds_decoys_with_the_parameters_and_shares_of_its_hashes,
    sign_ups_do_not_change_the_decoy_of_any_email_address,
    sign_ins_with_imported_hashes_remove_decoys_at_the_next_count,
    hashes_are_counted_once_a_day,
    concurrent_counts_and_imports_leave_the_decoys_of_all_imports,
    a_disabled_account_has_a_decoy,
    a_rejected_import_changes_no_decoy,
}

const DAY: Duration = Duration::from_hours(24);

/// A hash of Werkzeug.
const SLOW: &str = "pbkdf2:sha256:5000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";
/// A hash of Werkzeug with fewer iterations.
const FAST: &str = "pbkdf2:sha256:2000$AVaITkTz2eBKnxgk$e0d887524f408d05717eea8f539ddc68d356c822e90ada9f1fb1c09770db8d5c";

fn parsed(text: &str) -> PasswordHash {
    text.parse().unwrap()
}

/// Returns the text of the decoy at each position.
async fn decoys(store: &Server) -> Vec<Option<String>> {
    let nobody = Email::parse("nobody@example.com").unwrap();
    let mut decoys = Vec::new();
    for number in 0..=u8::MAX {
        let position = DecoyPosition::from_number(number);
        match store.credentials(nobody.key(), &position).await.unwrap() {
            Challenge::Decoy(hash) => decoys.push(hash.map(|hash| hash.to_text())),
            Challenge::Account(_) => unreachable!("{nobody:?} has no account"),
        }
    }
    decoys
}

fn positions_of(decoys: &[Option<String>], text: &str) -> usize {
    let template = parsed(text).template();
    decoys.iter().filter(|decoy| decoy.as_ref() == Some(&template)).count()
}

/// Imports users with this hash. The email addresses begin with `name`.
async fn import(store: &Server, name: &str, (count, hash): (usize, &str)) -> Vec<User> {
    let stored = |n| StoredUser {
        user: user(&format!("{name}{n}@example.com")),
        password_hash: parsed(hash),
        metadata: Metadata::default(),
    };
    let users: Vec<_> = (0..count).map(stored).collect();
    assert_eq!(store.import_users(&users, NOW).await.unwrap(), ImportUsersOutcome::Imported);
    users.into_iter().map(|stored| stored.user).collect()
}

/// Signs in, which replaces the imported hash.
async fn rehash(store: &Server, user: &User) {
    let verified = current_credentials(store, user).await.password_version;
    let opened = store.open_session(&new_session(user).0, verified, Some(&hash())).await.unwrap();
    assert_eq!(opened, opened_for(user));
}

async fn servers_agree_on_the_decoy_key(deployment: &dyn Deployment) {
    let servers = two_servers(deployment).await;
    let candidates = [(); 2].map(|()| DecoyKey::generate(&SystemRandom));
    let keys =
        join_all(servers.iter().zip(&candidates).map(|(server, key)| server.ensure_decoy_key(key)))
            .await;
    let keys: Vec<_> = keys.into_iter().map(Result::unwrap).collect();
    assert!(keys[0] == keys[1] && candidates.contains(&keys[0]));
    let later = deployment.connect().await;
    let key = later.ensure_decoy_key(&DecoyKey::generate(&SystemRandom)).await.unwrap();
    assert!(key == keys[0]);
}

async fn without_an_import_there_are_no_decoys(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    sign_up(&store, "ada@example.com").await;
    // A hash in Latchkey's own format needs no decoy, even if it was imported.
    let own = StoredUser {
        user: user("grace@example.com"),
        password_hash: hash(),
        metadata: Metadata::default(),
    };
    let imported = store.import_users(&[own], NOW).await.unwrap();
    assert_eq!(imported, ImportUsersOutcome::Imported);
    assert_eq!(store.recount_decoys(NOW).await.unwrap(), RecountOutcome::Recounted);
    assert!(decoys(&store).await.iter().all(Option::is_none));
    assert_eq!(store.max_hash_memory().await.unwrap(), 0);
}

async fn an_import_adds_decoys_with_the_parameters_and_shares_of_its_hashes(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for n in 0..10 {
        sign_up(&here, &format!("own{n}@example.com")).await;
    }
    import(&here, "slow", (20, SLOW)).await;
    let first = decoys(&there).await;
    assert_eq!(positions_of(&first, SLOW), 256 * 20 / 30);
    import(&here, "fast", (10, FAST)).await;
    let second = decoys(&there).await;
    assert_eq!(positions_of(&second, SLOW), 256 * 20 / 40);
    assert_eq!(positions_of(&second, FAST), 256 * 10 / 40);
    // No position changes from one decoy to another.
    for (before, after) in first.iter().zip(&second) {
        assert!(before == after || before.is_none() || after.is_none());
    }
    // A decoy contains neither the salt nor the output of an account's hash.
    assert!(second.iter().flatten().all(|decoy| !decoy.contains("AVaITkTz")));
}

async fn sign_ups_do_not_change_the_decoy_of_any_email_address(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    import(&store, "slow", (200, SLOW)).await;
    assert_eq!(store.recount_decoys(NOW).await.unwrap(), RecountOutcome::Recounted);
    let before = decoys(&store).await;
    assert_eq!(positions_of(&before, SLOW), 191);
    let hash = hash();
    for n in 0..400 {
        let user = user(&format!("sign-up{n}@example.com"));
        store.create_user(&user, &hash, &creation(&user), None).await.unwrap();
    }
    assert_eq!(store.recount_decoys(NOW + DAY / 2).await.unwrap(), RecountOutcome::NotDue);
    assert_eq!(decoys(&store).await, before);
    // From the next day on, the sign-ups are taken into account, but only as many as were imported.
    assert_eq!(store.recount_decoys(NOW + DAY).await.unwrap(), RecountOutcome::Recounted);
    let after = decoys(&store).await;
    assert_eq!(positions_of(&after, SLOW), 128);
    assert!(after.iter().zip(&before).all(|(after, before)| after.is_none() || after == before));
}

async fn sign_ins_with_imported_hashes_remove_decoys_at_the_next_count(
    deployment: &dyn Deployment,
) {
    let store = deployment.connect().await;
    for n in 0..20 {
        sign_up(&store, &format!("own{n}@example.com")).await;
    }
    let users = import(&store, "slow", (20, SLOW)).await;
    assert_eq!(store.recount_decoys(NOW).await.unwrap(), RecountOutcome::Recounted);
    let before = decoys(&store).await;
    assert_eq!(positions_of(&before, SLOW), 128);
    for user in &users[..10] {
        rehash(&store, user).await;
    }
    assert_eq!(decoys(&store).await, before);
    assert_eq!(store.recount_decoys(NOW + DAY).await.unwrap(), RecountOutcome::Recounted);
    let after = decoys(&store).await;
    assert_eq!(positions_of(&after, SLOW), 64);
    assert!(after.iter().zip(&before).all(|(after, before)| after.is_none() || after == before));
    for user in &users[10..] {
        rehash(&store, user).await;
    }
    assert_eq!(store.recount_decoys(NOW + 2 * DAY).await.unwrap(), RecountOutcome::Recounted);
    assert!(decoys(&store).await.iter().all(Option::is_none));
}

async fn hashes_are_counted_once_a_day(deployment: &dyn Deployment) {
    let [here, there] = two_servers(deployment).await;
    assert_eq!(here.recount_decoys(NOW).await.unwrap(), RecountOutcome::Recounted);
    assert_eq!(there.recount_decoys(NOW).await.unwrap(), RecountOutcome::NotDue);
    let late = NOW + DAY;
    assert_eq!(there.recount_decoys(late).await.unwrap(), RecountOutcome::Recounted);
    assert_eq!(here.recount_decoys(late).await.unwrap(), RecountOutcome::NotDue);
}

async fn concurrent_counts_and_imports_leave_the_decoys_of_all_imports(
    deployment: &dyn Deployment,
) {
    let [here, there] = two_servers(deployment).await;
    for n in 0..10_u32 {
        let name = format!("round{n}-");
        let (_, recounted) = futures_util::future::join(
            import(&here, &name, (10, SLOW)),
            there.recount_decoys(NOW + DAY * n),
        )
        .await;
        let _ = recounted.unwrap();
    }
    assert_eq!(here.recount_decoys(NOW + DAY * 20).await.unwrap(), RecountOutcome::Recounted);
    assert_eq!(positions_of(&decoys(&there).await, SLOW), 256 * 100 / 134);
}

async fn a_disabled_account_has_a_decoy(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up(&store, "ada@example.com").await;
    import(&store, "slow", (100, SLOW)).await;
    assert_eq!(store.disable_user(ada.id, NOW).await.unwrap(), UpdateUserOutcome::Updated);
    let all = decoys(&store).await;
    for number in 0..=u8::MAX {
        let position = DecoyPosition::from_number(number);
        let found = store.credentials(ada.email.key(), &position).await.unwrap();
        let expected = all[usize::from(number)].as_deref().map(parsed);
        assert_eq!(found, Challenge::Decoy(expected));
    }
}

async fn a_rejected_import_changes_no_decoy(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, _) = sign_up(&store, "ada@example.com").await;
    let users =
        [StoredUser { user: ada, password_hash: parsed(SLOW), metadata: Metadata::default() }];
    let taken = ImportUsersOutcome::Taken(vec![0]);
    assert_eq!(store.import_users(&users, NOW).await.unwrap(), taken);
    assert!(decoys(&store).await.iter().all(Option::is_none));
}
