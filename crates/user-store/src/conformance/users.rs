use auth_core::{ClientInfo, DecoyPosition, Email, SigningKey, SystemRandom};
use futures_util::future::join_all;

use super::{
    Deployment, NOW, creation, hash, new_session, open, open_new, sign_up, signed_up, user,
};
use crate::{Challenge, CreateUserError, User};

pub async fn an_account_is_found_under_every_spelling_of_its_address(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = (user("Ada@Bücher.example"), hash());
    store.create_user(&user, &hash, &creation(&user)).await.expect("a free address");
    for spelling in ["Ada@Bücher.example", "ADA@xn--bcher-kva.EXAMPLE", " ada@bücher.example "] {
        let email = Email::parse(spelling).expect("an address");
        let found = store
            .credentials(email.key(), &DecoyPosition::default())
            .await
            .expect("an answer")
            .account()
            .expect(spelling);
        assert_eq!((found.user_id, &found.password_hash), (user.id, &hash), "{spelling}");
    }
}

pub async fn what_was_typed_is_what_is_kept(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (user, hash) = (user("Ada.L@Bücher.Example"), hash());
    store.create_user(&user, &hash, &creation(&user)).await.expect("a free address");
    let (session, _) = open(&*store, &user).await;
    let found = store.session(session.id, NOW).await.expect("an answer").expect("it is open");
    assert_eq!(found.user, user);
    assert_eq!(found.user.email.as_str(), "Ada.L@Bücher.Example");
}

pub async fn what_looks_like_a_statement_is_kept_as_text(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let email = "o'hara--`%_{}@example.com";
    let (other, _) = sign_up(&*store, email).await;
    assert_ne!(other.id, ada.id);
    let found = store
        .credentials(other.email.key(), &DecoyPosition::default())
        .await
        .expect("an answer")
        .account();
    assert_eq!(found.expect("an account").user_id, other.id);
    let (mut new, _) = new_session(&other);
    let name = "');DELETE FROM users;--\"?1";
    new.client = ClientInfo::new(None, Some(name));
    open_new(&*store, &other, &new).await;
    let listed = store.sessions(other.id, NOW).await.expect("an answer");
    assert_eq!(listed[0].client.user_agent(), Some(name));
    assert!(
        store
            .credentials(ada.email.key(), &DecoyPosition::default())
            .await
            .expect("an answer")
            .account()
            .is_some()
    );
}

pub async fn an_address_is_taken_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (first, hash) = signed_up(&*store).await;
    let again = store
        .create_user(&user("ADA@EXAMPLE.COM"), &hash, &creation(&user("ADA@EXAMPLE.COM")))
        .await;
    assert!(matches!(again, Err(CreateUserError::EmailTaken)));
    let found = store
        .credentials(first.email.key(), &DecoyPosition::default())
        .await
        .expect("an answer")
        .account();
    assert_eq!(found.expect("the first").user_id, first.id);
}

pub async fn of_twenty_sign_ups_with_one_address_one_succeeds(fresh: &dyn Deployment) {
    let (here, there) = (fresh.connect().await, fresh.connect().await);
    let hash = hash();
    let made = join_all((0..20).map(|n| {
        let store = if n % 2 == 0 { &here } else { &there };
        let hash = &hash;
        async move {
            let user = user("ada@example.com");
            store.create_user(&user, hash, &creation(&user)).await
        }
    }))
    .await;
    assert_eq!(made.iter().filter(|result| result.is_ok()).count(), 1);
    let taken = |result: &Result<_, _>| matches!(result, Err(CreateUserError::EmailTaken));
    assert_eq!(made.iter().filter(|result| taken(result)).count(), 19);
}

pub async fn an_unknown_address_is_none(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    signed_up(&*store).await;
    let other = Email::parse("grace@example.com").expect("an address");
    assert!(
        store
            .credentials(other.key(), &DecoyPosition::default())
            .await
            .expect("an answer")
            .account()
            .is_none()
    );
}

pub async fn an_account_is_found_by_its_id_and_by_its_address(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, _) = signed_up(&*store).await;
    let other = user("grace@example.com");
    assert_eq!(store.user(ada.id).await.expect("an answer").as_ref(), Some(&ada));
    let key = ada.email.key();
    assert_eq!(store.user_by_email(key).await.expect("an answer").as_ref(), Some(&ada));
    assert_eq!(store.user(other.id).await.expect("an answer"), None);
    assert_eq!(store.user_by_email(other.email.key()).await.expect("an answer"), None);
}

pub async fn accounts_are_listed_in_pages_in_the_order_they_were_made(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let mut made: Vec<User> = Vec::new();
    for n in 0..5 {
        made.push(sign_up(&*store, &format!("ada{n}@example.com")).await.0);
    }
    made.sort_by_key(|user| user.id);
    let mut found = Vec::new();
    loop {
        let after = found.last().map(|user: &User| user.id);
        let page = store.users(after, 2).await.expect("an answer");
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        found.extend(page);
    }
    assert_eq!(found, made);
}

pub async fn everything_that_is_held_is_told_at_once(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let (ada, password) = signed_up(&*store).await;
    let (session, _) = open(&*store, &ada).await;
    let held = store.user_data(ada.id).await.expect("an answer").expect("it is there");
    assert_eq!((held.user, held.password_hash), (ada, password));
    let ids: Vec<_> = held.sessions.iter().map(|record| record.session.id).collect();
    assert_eq!(ids, [session.id]);
    let nobody = user("grace@example.com");
    assert_eq!(store.user_data(nobody.id).await.expect("an answer"), None);
}

pub async fn an_address_without_an_account_gets_the_hash_of_the_next(fresh: &dyn Deployment) {
    let store = fresh.connect().await;
    let key = SigningKey::generate(&SystemRandom).seed().device_key();
    let decoy = async |email: &str| {
        let email = Email::parse(email).expect("an address");
        let place = key.decoy_position(email.key());
        match store.credentials(email.key(), &place).await.expect("an answer") {
            Challenge::Decoy(hash) => (place.as_str().to_owned(), hash.map(|hash| hash.to_text())),
            Challenge::Account(_) => unreachable!("{email:?} has no account"),
        }
    };
    assert_eq!(decoy("nobody@example.com").await.1, None);
    // The first is disabled: it is as good as none, and as good a decoy as any.
    let emails = ["g@example.com", "n@example.com", "t@example.com"];
    let users = emails.map(|email| (user(email), hash()));
    for (user, hash) in &users {
        store.create_user(user, hash, &creation(user)).await.expect("a free address");
    }
    let _ = store.disable_user(users[0].0.id, NOW).await.expect("an answer");
    let mut met = [0; 3];
    for email in (0..100).map(|n| format!("nobody{n}@example.com")).chain([emails[0].to_owned()]) {
        let (place, found) = decoy(&email).await;
        let next = emails.iter().position(|email| **email > *place).unwrap_or(0);
        assert_eq!(found, Some(users[next].1.to_text()), "{email} at {place}");
        met[next] += 1;
    }
    assert!(
        met.iter().all(|times| *times > 5),
        "addresses that are alike have places apart: {met:?}"
    );
}
