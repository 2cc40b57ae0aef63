//! Accounts that were imported with password hashes from another system.

use std::time::{Duration, Instant};

use accounts::{
    Accounts, Caller, DeleteAccountOutcome, KnownBrowsers, Metadata, SignIn, SignInError,
    StoredUser, User, UserId,
};
use auth_core::{Email, EmailKey, PasswordHash, Roles, SystemRandom};
use user_store::{ImportUsersOutcome, SqliteStore, UserDataStore as _};

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, TestApp, authenticate};

/// The bcrypt hash of "a long walk along the sea" at cost 10.
const HASH: &str = "$2b$10$pp7DJ.MIf4srVUHa1UX3X.JqNWxV3F6hGjlr00Kc9pL06tKpuM3Fe";

/// Starts an app with Ada's imported account, and returns the app and the id of the account.
async fn app_with_imported_account() -> (TestApp, UserId) {
    app_with_imported_hash(HASH).await
}

async fn app_with_imported_hash(hash: &str) -> (TestApp, UserId) {
    app_with_imported_user(hash, Email::parse(EMAIL).unwrap()).await
}

async fn app_with_imported_user(hash: &str, email: Email) -> (TestApp, UserId) {
    let app = TestApp::new().await;
    let id = import(&app, hash, email).await;
    (app, id)
}

/// Imports an account and returns its id.
async fn import(app: &TestApp, hash: &str, email: Email) -> UserId {
    let created_at = app.now();
    let id = UserId::generate(created_at, &SystemRandom);
    let user = User {
        id,
        email,
        created_at,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    };
    let password_hash: PasswordHash = hash.parse().unwrap();
    let users = vec![StoredUser { user, password_hash, metadata: Metadata::default() }];
    assert_eq!(app.operator().import(users).await.unwrap(), ImportUsersOutcome::Imported);
    id
}

async fn algorithm(app: &TestApp, id: UserId) -> (&'static str, Option<u32>) {
    let store = SqliteStore::open(&app.database()).unwrap();
    let hash = store.user_data(id).await.unwrap().unwrap().password_hash;
    (hash.algorithm(), hash.iterations())
}

async fn sign_in(server: &Accounts, email: &str, password: &str) -> Result<(), SignInError> {
    server.sign_in(SignIn::new(email, password, &Caller::default())).await.map(drop)
}

#[tokio::test]
async fn an_imported_password_works_and_is_rehashed_at_the_first_sign_in() {
    let (app, ada) = app_with_imported_account().await;
    let wrong = sign_in(&app, EMAIL, NEW_PASSWORD).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    assert_eq!(algorithm(&app, ada).await, ("bcrypt", None));
    for _ in 0..2 {
        sign_in(&app, EMAIL, PASSWORD).await.unwrap();
        assert_eq!(algorithm(&app, ada).await, ("pbkdf2-sha256", Some(1_000)));
    }
}

/// bcrypt ignores all but the first 72 bytes of a password.
#[tokio::test]
async fn a_sign_in_with_another_end_of_a_long_bcrypt_password_does_not_replace_the_hash() {
    // The hash of this password with "the end".
    let hash = "$2b$04$abcdefghijklmnopqrstuum2G75IXDN/xsgbNa/hCiPSKyIHQd70S";
    let long = "0123456789".repeat(7) + "01";
    let (app, ada) = app_with_imported_hash(hash).await;
    for end in ["another end", "", "the end"] {
        sign_in(&app, EMAIL, &format!("{long}{end}")).await.unwrap();
        assert_eq!(algorithm(&app, ada).await, ("bcrypt", None));
    }
    let wrong = sign_in(&app, EMAIL, &long[..71]).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
}

#[tokio::test]
async fn a_user_whose_email_address_has_become_invalid_can_still_sign_in_and_reauthenticate() {
    let email = Email::from_stored(
        "A@127.0.0.1".to_owned(),
        EmailKey::from_stored("a@127.0.0.1".to_owned()),
    );
    let (app, _) = app_with_imported_user(HASH, email).await;
    let caller = Caller::default();
    let tokens = app
        .sign_in(SignIn::new("a@127.0.0.1", PASSWORD, &caller))
        .await
        .unwrap()
        .into_tokens()
        .unwrap();
    let signed_in = authenticate(&app, &tokens).await.unwrap();
    assert_eq!(signed_in.email(), "A@127.0.0.1");
    let deleted = app.delete_account(&signed_in, PASSWORD, &caller).await;
    assert_eq!(deleted.unwrap(), DeleteAccountOutcome::UnknownBrowser);
}

/// An older version may have accepted a hash that this one rejects. The error is that of an unknown
/// email address.
#[tokio::test]
async fn no_password_works_with_an_unusable_hash_until_an_operator_sets_a_new_one() {
    let app = TestApp::new().await;
    let created_at = app.now();
    let ada = UserId::generate(created_at, &SystemRandom);
    let email = Email::parse(EMAIL).unwrap();
    let user = User {
        id: ada,
        email,
        created_at,
        disabled_at: None,
        email_verified_at: None,
        second_factor_at: None,
        roles: Roles::NONE,
    };
    let text = format!("scrypt:1048576:8:1$salt${}", "0".repeat(64));
    let password_hash = PasswordHash::from_stored(&text);
    let users =
        vec![StoredUser { user: user.clone(), password_hash, metadata: Metadata::default() }];
    assert_eq!(app.operator().import(users).await.unwrap(), ImportUsersOutcome::Imported);

    for (email, password) in [(EMAIL, PASSWORD), (EMAIL, &text), ("nobody@example.com", PASSWORD)] {
        let rejected = sign_in(&app, email, password).await;
        assert!(matches!(rejected, Err(SignInError::InvalidCredentials)), "{rejected:?}");
    }
    assert_eq!(algorithm(&app, ada).await, ("unknown", None));
    let exported = app.operator().export(None, 10).await.unwrap();
    assert_eq!(exported[0].password_hash.to_text(), text);
    assert_eq!(app.max_hash_memory().await.unwrap(), 0);

    app.operator().set_password(&user, NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    sign_in(&app, EMAIL, NEW_PASSWORD).await.unwrap();
}

#[tokio::test]
async fn an_unknown_email_address_cannot_sign_in_with_the_password_of_another_account() {
    let (app, _) = app_with_imported_account().await;
    for password in [PASSWORD, NEW_PASSWORD] {
        let rejected = sign_in(&app, "nobody@example.com", password).await;
        assert!(matches!(rejected, Err(SignInError::InvalidCredentials)));
    }
}

/// bcrypt at cost 10 takes a hundred times as long as 1,000 iterations of PBKDF2. If a PBKDF2 hash
/// were computed for every unknown email address, the response time would reveal which addresses
/// have accounts. Half of the unknown addresses have a decoy, because a single imported account
/// counts as one of two accounts.
///
/// Compares the shortest of several measurements. They are interleaved, so that a busy machine slows
/// all of them equally.
#[tokio::test]
async fn an_unknown_email_address_takes_as_long_as_an_imported_account_or_as_a_new_one() {
    let app = TestApp::with_config(|config| config.throttle = false).await;
    import(&app, HASH, Email::parse(EMAIL).unwrap()).await;
    let unknown: Vec<_> = (0..24).map(|n| format!("nobody{n}@example.com")).collect();
    let mut imported = Duration::MAX;
    let mut fastest = [Duration::MAX; 24];
    for _ in 0..3 {
        for (n, email) in unknown.iter().enumerate() {
            if n % 6 == 0 {
                imported = imported.min(time_to_fail(&app, EMAIL).await);
            }
            fastest[n] = fastest[n].min(time_to_fail(&app, email).await);
        }
    }
    let slow = fastest.iter().filter(|time| **time > imported / 2).count();
    assert!((1..24).contains(&slow), "{slow} of 24 take as long as {imported:?}: {fastest:?}");
}

#[expect(clippy::disallowed_methods, reason = "measures real durations")]
async fn time_to_fail(app: &TestApp, email: &str) -> Duration {
    let start = Instant::now();
    let failed = sign_in(app, email, NEW_PASSWORD).await;
    let elapsed = start.elapsed();
    assert!(matches!(failed, Err(SignInError::InvalidCredentials)), "{failed:?}");
    elapsed
}
