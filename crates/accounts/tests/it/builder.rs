use std::sync::Arc;
use std::time::Duration;

use accounts::{Accounts, BuildError, Builder, Caller, SessionLimits, SessionPolicy};
use auth_core::ManualClock;
use tempfile::TempDir;

use crate::world::{EMAIL, PASSWORD, signed_in};

fn builder(folder: &TempDir) -> Builder {
    Accounts::builder().sqlite(folder.path().join("app.db")).public_url("https://app.example")
}

async fn refused(builder: Builder) -> BuildError {
    builder.build().await.map(drop).unwrap_err()
}

#[tokio::test]
async fn a_store_and_a_public_url_are_enough() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = builder(&folder).build().await.unwrap();
    let token = signed_in(&accounts).await;
    assert_eq!(accounts.authenticate(&token).await.unwrap().email(), EMAIL);
    assert_eq!(accounts.origin().as_str(), "https://app.example");
}

#[tokio::test]
async fn the_next_start_finds_the_accounts_of_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let token = signed_in(&builder(&folder).weak_hashes_for_tests().build().await.unwrap()).await;
    let again = builder(&folder).build().await.unwrap();
    assert_eq!(again.authenticate(&token).await.unwrap().email(), EMAIL);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let no_url = refused(Accounts::builder().sqlite(&path)).await;
    assert!(matches!(no_url, BuildError::NoPublicUrl));
    assert!(!path.exists());
    let no_store = refused(Accounts::builder().public_url("https://app.example")).await;
    assert!(matches!(no_store, BuildError::NoStore));
}

#[tokio::test]
async fn what_is_not_safe_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let days = |days: u64| Duration::from_hours(24 * days);
    let remembered = SessionLimits::new(days(1), days(401)).unwrap();
    let endless = SessionPolicy { remembered, ..SessionPolicy::default() };
    for (builder, mend) in [
        (builder(&folder).public_url("http://app.example"), "https"),
        (builder(&folder).public_url("http://192.0.2.1:3000"), "https"),
        (builder(&folder).public_url("https://app.example/login"), "no path"),
        (builder(&folder).public_url("app.example"), "https://auth.example.com"),
        (builder(&folder).access_token_lifetime(Duration::from_mins(61)), "1 hour"),
        (builder(&folder).access_token_lifetime(Duration::ZERO), "1 second"),
        (builder(&folder).sessions(endless), "400 days"),
        (builder(&folder).password_min_length(7), "8 to 64"),
        (builder(&folder).password_min_length(65), "8 to 64"),
        (builder(&folder).pbkdf2_iterations(599_999), "600,000"),
        (builder(&folder).pbkdf2_iterations(10_000_001), "10,000,000"),
    ] {
        let message = refused(builder).await.to_string();
        assert!(message.contains(mend), "{message}");
    }
    // Nothing was made on the way.
    assert!(!folder.path().join("app.db").exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_left_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.db"), "a letter to a friend, not a database").unwrap();
    assert!(matches!(refused(builder(&folder)).await, BuildError::Open(_)));
    let left = std::fs::read_to_string(folder.path().join("app.db")).unwrap();
    assert_eq!(left, "a letter to a friend, not a database");
}

/// Time is paused: it moves on by itself as nothing else can happen.
#[tokio::test(start_paused = true)]
async fn what_is_over_is_removed_without_anybody_asking() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<ManualClock>::default();
    let accounts = builder(&folder)
        .weak_hashes_for_tests()
        .clock(Arc::<ManualClock>::clone(&clock))
        .build()
        .await
        .unwrap();
    signed_in(&accounts).await;
    clock.advance(Duration::from_hours(13));
    let issued = accounts.sign_in(EMAIL, PASSWORD, false, &Caller::default(), None).await.unwrap();
    let ada = accounts.authenticate(issued.access.token.as_str()).await.unwrap();
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(accounts.export(&ada).await.unwrap().sessions.len(), 1);
}
