use accounts::{Caller, PasswordError, SignUpError};

use crate::app::{EMAIL, PASSWORD, TestApp};

#[tokio::test]
async fn an_account_has_the_email_address_as_it_was_typed() {
    let app = TestApp::new().await;
    let user = app.sign_up(" Ada@example.com ", PASSWORD, &Caller::default()).await.unwrap();
    assert_eq!(user.email.as_str(), "Ada@example.com");
    assert_eq!(user.created_at, app.now());
    let pasted = "\u{feff}Grace\u{200b}＠example.com\u{a0}";
    let user = app.sign_up(pasted, PASSWORD, &Caller::default()).await.unwrap();
    assert_eq!(user.email.as_str(), "Grace@example.com", "without invisible characters");
}

#[tokio::test]
async fn a_second_sign_up_with_the_same_email_address_is_rejected() {
    let app = TestApp::new().await;
    app.account().await;
    let again = app.sign_up(&EMAIL.to_uppercase(), "another long walk", &Caller::default()).await;
    assert!(matches!(again, Err(SignUpError::EmailTaken)));
    app.session().await;
}

#[tokio::test]
async fn the_errors_of_both_fields_are_reported_together() {
    let app = TestApp::new().await;
    let error = app.sign_up("ada", "short", &Caller::default()).await.unwrap_err();
    let SignUpError::Invalid { email: Some(_), password: Some(password) } = error else {
        unreachable!("{error:?}");
    };
    assert_eq!(password, PasswordError::TooShort { min_length: 8 });
}

#[tokio::test]
async fn the_email_address_and_the_name_of_the_app_are_rejected_as_passwords() {
    let app = TestApp::new().await;
    for (email, password) in [
        ("ada@example.com", "ADA@example.com"),
        (" ada@example.com ", "ada@example.com"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@example.com", "latchkey"),
        ("not an address", "not an address"),
    ] {
        let error = app.sign_up(email, password, &Caller::default()).await.unwrap_err();
        let common = Some(PasswordError::Common);
        assert!(
            matches!(error, SignUpError::Invalid { password, .. } if password == common),
            "{email} {password}"
        );
    }
}
