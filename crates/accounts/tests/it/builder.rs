use std::sync::{Arc, mpsc};
use std::time::Duration;

use accounts::{
    Accounts, BuildError, Builder, Caller, Config, HashingMode, Origin, PasswordError,
    SessionLimits, SessionPolicy, SignUpError, Weakness,
};
use auth_core::ManualClock;
use futures_util::FutureExt as _;
use tempfile::TempDir;

use crate::app::{EMAIL, PASSWORD, session_on};

fn builder(folder: &TempDir) -> Builder {
    Accounts::builder().sqlite(folder.path().join("app.db")).public_url("https://app.example")
}

async fn rejected(builder: Builder) -> BuildError {
    builder.build().await.map(drop).unwrap_err()
}

async fn sign_up(accounts: &Accounts) {
    accounts.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
}

#[tokio::test]
async fn only_a_store_and_a_public_url_are_required() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = builder(&folder).build().await.unwrap();
    sign_up(&accounts).await;
    assert_eq!(session_on(&accounts).await.email(), EMAIL);
    assert_eq!(accounts.origin().as_str(), "https://app.example");
}

#[tokio::test]
async fn accounts_and_tokens_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = builder(&folder).for_tests().build().await.unwrap();
    sign_up(&first).await;
    let token = session_on(&first).await.tokens.access.token;
    let again = builder(&folder).build().await.unwrap();
    assert_eq!(again.authenticate(token.as_str()).await.unwrap().email(), EMAIL);
}

#[tokio::test]
async fn a_missing_store_or_public_url_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.db");
    let no_url = rejected(Accounts::builder().sqlite(&path)).await;
    assert!(matches!(no_url, BuildError::NoPublicUrl));
    assert!(!path.exists());
    let no_store = rejected(Accounts::builder().public_url("https://app.example")).await;
    assert!(matches!(no_store, BuildError::NoStore));
}

#[cfg(feature = "postgres")]
#[tokio::test]
async fn an_unusable_postgres_url_is_an_error_without_its_password() {
    for (url, fix) in [
        ("postgres://ada:hunter2@localhost/x?sslmode=prefer", "sslmode"),
        ("mysql://ada:hunter2@localhost/x", "postgres://"),
        ("postgres://ada:hunter2@localhost", "database"),
    ] {
        let builder = Accounts::builder().postgres(url).public_url("https://app.example");
        let error = rejected(builder).await;
        assert!(matches!(error, BuildError::PostgresUrl(_)), "{error:?}");
        let texts = [error.to_string(), format!("{error:?}")];
        assert!(texts[0].contains(fix), "{texts:?}");
        assert!(!texts.iter().any(|text| text.contains("hunter2")), "{texts:?}");
    }
}

#[tokio::test]
async fn an_insecure_or_invalid_configuration_is_rejected_with_its_fix() {
    let folder = tempfile::tempdir().unwrap();
    let days = |days: u64| Duration::from_hours(24 * days);
    let remembered = SessionLimits::new(days(1), days(401)).unwrap();
    let too_long = SessionPolicy { remembered, ..SessionPolicy::default() };
    for (builder, fix) in [
        (builder(&folder).public_url("http://app.example"), "https"),
        (builder(&folder).public_url("http://192.0.2.1:3000"), "https"),
        (builder(&folder).public_url("https://app.example/login"), "without a path"),
        (builder(&folder).public_url("app.example"), "https://auth.example.com"),
        (builder(&folder).access_token_lifetime(Duration::from_mins(61)), "1 hour or less"),
        (builder(&folder).access_token_lifetime(Duration::from_mins(16)), "idle timeout"),
        (builder(&folder).access_token_lifetime(Duration::ZERO), "at least 1 second"),
        (builder(&folder).sessions(too_long), "400 days"),
        (builder(&folder).password_min_length(7), "8 or more"),
        (builder(&folder).password_min_length(65), "between 1 and 64"),
        (builder(&folder).pbkdf2_iterations(599_999), "600,000 or more"),
        (builder(&folder).pbkdf2_iterations(999), "between 1,000 and 10,000,000"),
        (builder(&folder).pbkdf2_iterations(10_000_001), "between 1,000 and 10,000,000"),
    ] {
        let message = rejected(builder).await.to_string();
        assert!(message.contains(fix), "{message}");
    }
    let config = Config { throttle: false, ..Config::new(Origin::localhost(80)) };
    let message = rejected(builder(&folder).config(config)).await.to_string();
    assert!(message.contains("turn the throttle on"), "{message}");
    // None of these calls has created the database.
    assert!(!folder.path().join("app.db").exists());
}

#[tokio::test]
async fn the_error_lists_all_weaknesses() {
    let folder = tempfile::tempdir().unwrap();
    let weak = builder(&folder).public_url("http://app.example").pbkdf2_iterations(1_000);
    let BuildError::Weak(weaknesses) = rejected(weak).await else {
        unreachable!("the configuration is weak");
    };
    let names: Vec<_> = weaknesses.iter().map(Weakness::name).collect();
    assert_eq!(names, ["plain-http", "few-iterations"]);
    let message = BuildError::Weak(weaknesses).to_string();
    assert!(message.contains("use an https origin") && message.contains("600,000"), "{message}");
}

#[tokio::test]
async fn weaknesses_can_be_accepted_but_invalid_values_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let weak = || builder(&folder).password_min_length(1).pbkdf2_iterations(1_000);
    let accounts = weak().accept_weaknesses().build().await.unwrap();
    assert_eq!(accounts.config().weaknesses().len(), 2);
    let invalid = weak().accept_weaknesses().pbkdf2_iterations(999);
    assert!(matches!(rejected(invalid).await, BuildError::Iterations(_)));
}

#[tokio::test]
async fn a_builder_for_tests_measures_nothing_and_accepts_no_other_weakness() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = builder(&folder).for_tests().build().await.unwrap();
    let Config { hashing, throttle, .. } = accounts.config();
    assert_eq!((*hashing, *throttle), (HashingMode::Single, false));
    let weak = builder(&folder).for_tests().password_min_length(7);
    let BuildError::Weak(weaknesses) = rejected(weak).await else {
        unreachable!("the configuration is weak");
    };
    assert_eq!(weaknesses, [Weakness::ShortPasswords { min_length: 7 }]);
}

#[tokio::test]
async fn the_name_of_the_app_is_rejected_as_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let accounts = builder(&folder).app_name("Otter Watch").build().await.unwrap();
    let signed_up = accounts.sign_up(EMAIL, "otter watch", &Caller::default()).await;
    let Err(SignUpError::Invalid { password, .. }) = signed_up else {
        unreachable!("the password is the name of the app");
    };
    assert_eq!(password, Some(PasswordError::Common));
    accounts.sign_up(EMAIL, "latchkey", &Caller::default()).await.unwrap();
}

#[tokio::test]
async fn a_file_that_is_not_a_database_is_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("app.db"), "a letter to a friend, not a database").unwrap();
    assert!(matches!(rejected(builder(&folder)).await, BuildError::Open(_)));
    let content = std::fs::read_to_string(folder.path().join("app.db")).unwrap();
    assert_eq!(content, "a letter to a friend, not a database");
}

#[test]
fn opening_the_store_does_not_block_the_runtime() {
    let folder = tempfile::tempdir().unwrap();
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        // Keep the only blocking thread busy.
        let (release, busy) = mpsc::channel::<()>();
        let busy = tokio::task::spawn_blocking(move || busy.recv());
        let mut build = Box::pin(builder(&folder).build());
        assert!((&mut build).now_or_never().is_none());
        assert!(!folder.path().join("app.db").exists(), "it was opened on this thread");
        drop(release);
        build.await.unwrap();
        busy.await.unwrap().unwrap_err();
    });
}

/// Paused time advances automatically when all tasks are waiting.
#[tokio::test(start_paused = true)]
async fn expired_sessions_are_purged_in_the_background() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::<ManualClock>::default();
    let accounts = builder(&folder)
        .for_tests()
        .clock(Arc::<ManualClock>::clone(&clock))
        .build()
        .await
        .unwrap();
    sign_up(&accounts).await;
    session_on(&accounts).await;
    clock.advance(Duration::from_hours(13));
    let ada = session_on(&accounts).await;
    tokio::time::sleep(Duration::from_mins(2)).await;
    assert_eq!(accounts.export(&ada).await.unwrap().sessions.len(), 1);
}
