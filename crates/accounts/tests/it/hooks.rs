use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use accounts::{AccountEvent, Accounts, Caller, SignInError};
use tempfile::TempDir;

use crate::world::{EMAIL, PASSWORD, signed_in};

/// What an app has been told.
type Told = Arc<Mutex<Vec<String>>>;

async fn accounts(folder: &TempDir) -> (Arc<Accounts>, Told) {
    let told = Told::default();
    let hook = {
        let told = Arc::clone(&told);
        move |event: &AccountEvent| {
            let text = match event {
                AccountEvent::SignedUp { user, .. } => format!("up {}", user.email.as_str()),
                AccountEvent::SignedIn { .. } => "in".to_owned(),
                AccountEvent::PasswordChanged { .. } => "password".to_owned(),
                AccountEvent::Deleted { user, .. } => format!("deleted {user}"),
                other => format!("{other:?}"),
            };
            told.lock().unwrap().push(text);
        }
    };
    let builder = Accounts::builder()
        .sqlite(folder.path().join("app.db"))
        .public_url("https://app.example")
        .weak_hashes_for_tests()
        .on_event(|_| resume_unwind(Box::new("a hook of the app has a defect")))
        .on_event(hook);
    (builder.build().await.unwrap(), told)
}

#[tokio::test]
async fn an_app_is_told_what_happens_to_accounts_though_another_hook_panics() {
    let folder = tempfile::tempdir().unwrap();
    let (accounts, told) = accounts(&folder).await;
    let token = signed_in(&accounts).await;
    let ada = accounts.authenticate(&token).await.unwrap();
    let nobody = Caller::default();
    accounts.change_password(&ada, PASSWORD, "a swim in the river", &nobody).await.unwrap();
    accounts.delete_account(&ada, "a swim in the river", &nobody).await.unwrap();
    let expected =
        [format!("up {EMAIL}"), "in".into(), "password".into(), format!("deleted {}", ada.id())];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_app_is_told_what_an_operator_does() {
    let folder = tempfile::tempdir().unwrap();
    let (accounts, told) = accounts(&folder).await;
    let operator = accounts.operator();
    let user = operator.create(EMAIL, PASSWORD).await.unwrap();
    operator.set_password(&user, "a swim in the river").await.unwrap();
    operator.delete(user.id).await.unwrap();
    let expected = [format!("up {EMAIL}"), "password".into(), format!("deleted {}", user.id)];
    assert_eq!(*told.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_app_is_not_told_of_what_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let (accounts, told) = accounts(&folder).await;
    let nobody = Caller::default();
    let token = signed_in(&accounts).await;
    told.lock().unwrap().clear();
    accounts.sign_up(EMAIL, PASSWORD, &nobody).await.unwrap_err();
    let wrong = accounts.sign_in(EMAIL, "a swim in the river", false, &nobody, None).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    let ada = accounts.authenticate(&token).await.unwrap();
    accounts.change_password(&ada, "wrong", "a swim in the river", &nobody).await.unwrap_err();
    accounts.delete_account(&ada, "wrong", &nobody).await.unwrap_err();
    assert_eq!(*told.lock().unwrap(), Vec::<String>::new());
}
