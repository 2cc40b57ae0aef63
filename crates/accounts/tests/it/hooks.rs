use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};

use accounts::{
    AccountEvent, Accounts, Caller, ChangePassword, KnownBrowsers, SignIn, SignInError,
};
use tempfile::TempDir;

use crate::app::{EMAIL, NEW_PASSWORD, PASSWORD, session_on};

/// An app with one hook that panics and one hook that records its calls.
struct App {
    accounts: Arc<Accounts>,
    recorded: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

impl App {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let recorded = Arc::<Mutex<Vec<String>>>::default();
        let recorder = Arc::clone(&recorded);
        let hook = move |event: &AccountEvent| {
            let text = match event {
                AccountEvent::SignedUp { user, .. } => format!("up {}", user.email.as_str()),
                AccountEvent::SignedIn { .. } => "in".to_owned(),
                AccountEvent::PasswordChanged { .. } => "password".to_owned(),
                AccountEvent::Deleted { user, .. } => format!("deleted {user}"),
                other => format!("{other:?}"),
            };
            recorder.lock().unwrap().push(text);
        };
        let accounts = Accounts::builder()
            .sqlite(folder.path().join("app.db"))
            .public_url("https://app.example")
            .weak_hashes_for_tests()
            .on_event(|_| resume_unwind(Box::new("the hook is defective")))
            .on_event(hook)
            .build()
            .await
            .unwrap();
        Self { accounts, recorded, _folder: folder }
    }

    fn take_recorded(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorded.lock().unwrap())
    }
}

#[tokio::test]
async fn a_hook_is_called_for_changes_by_users_although_another_hook_panics() {
    let app = App::new().await;
    let caller = Caller::default();
    app.accounts.sign_up(EMAIL, PASSWORD, &caller).await.unwrap();
    let ada = session_on(&app.accounts).await;
    let change = ChangePassword {
        signed_in: &ada,
        current_password: PASSWORD,
        new_password: NEW_PASSWORD,
        caller: &caller,
    };
    app.accounts.change_password(change).await.unwrap();
    let _ = app.accounts.delete_account(&ada, NEW_PASSWORD, &caller).await.unwrap();
    let expected =
        [format!("up {EMAIL}"), "in".into(), "password".into(), format!("deleted {}", ada.id())];
    assert_eq!(app.take_recorded(), expected);
}

#[tokio::test]
async fn a_hook_is_called_for_changes_by_an_operator() {
    let app = App::new().await;
    let operator = app.accounts.operator();
    let user = operator.create(EMAIL, PASSWORD).await.unwrap();
    operator.set_password(&user, NEW_PASSWORD, KnownBrowsers::Keep).await.unwrap();
    operator.delete(user.id).await.unwrap();
    let expected = [format!("up {EMAIL}"), "password".into(), format!("deleted {}", user.id)];
    assert_eq!(app.take_recorded(), expected);
}

#[tokio::test]
async fn a_hook_is_not_called_for_failed_requests() {
    let app = App::new().await;
    let (accounts, caller) = (&app.accounts, Caller::default());
    accounts.sign_up(EMAIL, PASSWORD, &caller).await.unwrap();
    let ada = session_on(accounts).await;
    app.take_recorded();
    accounts.sign_up(EMAIL, PASSWORD, &caller).await.unwrap_err();
    let wrong = accounts.sign_in(SignIn::new(EMAIL, NEW_PASSWORD, &caller)).await;
    assert!(matches!(wrong, Err(SignInError::InvalidCredentials)));
    let change = ChangePassword {
        signed_in: &ada,
        current_password: "wrong",
        new_password: NEW_PASSWORD,
        caller: &caller,
    };
    accounts.change_password(change).await.unwrap_err();
    accounts.delete_account(&ada, "wrong", &caller).await.unwrap_err();
    assert_eq!(app.take_recorded(), Vec::<String>::new());
}
