use accounts::{Caller, PasswordError, SignUpError};

use crate::world::{EMAIL, PASSWORD, World, sign_in};

#[tokio::test]
async fn an_account_has_the_address_as_it_was_typed() {
    let world = World::new();
    let user = world
        .server()
        .await
        .sign_up(" Ada@example.com ", PASSWORD, &Caller::default())
        .await
        .unwrap();
    assert_eq!(user.email.as_str(), "Ada@example.com");
    assert_eq!(user.created_at, world.now());
}

#[tokio::test]
async fn an_address_is_taken_once() {
    let world = World::new();
    let accounts = world.server().await;
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let again = accounts.sign_up("ADA@EXAMPLE.COM", "another long walk", &Caller::default()).await;
    assert!(matches!(again, Err(SignUpError::EmailTaken)));
    sign_in(&accounts).await;
}

#[tokio::test]
async fn both_fields_are_looked_at_before_either_is_refused() {
    let world = World::new();
    let accounts = world.server().await;
    let error = accounts.sign_up("ada", "short", &Caller::default()).await.unwrap_err();
    let SignUpError::Invalid { email: Some(_), password: Some(password) } = error else {
        unreachable!("{error:?}");
    };
    assert_eq!(password, PasswordError::TooShort { min_length: 8 });
}

#[tokio::test]
async fn the_address_and_the_products_name_are_no_passwords() {
    let world = World::new();
    let accounts = world.server().await;
    for (email, password) in [
        ("ada@example.com", "ADA@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@example.com", "latchkey"),
        ("not an address", "not an address"),
    ] {
        let error = accounts.sign_up(email, password, &Caller::default()).await.unwrap_err();
        let common = Some(PasswordError::Common);
        assert!(
            matches!(error, SignUpError::Invalid { password, .. } if password == common),
            "{email} {password}"
        );
    }
}
