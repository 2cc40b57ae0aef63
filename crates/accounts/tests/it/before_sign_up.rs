//! The check of the app before a sign-up.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use accounts::testing::memory_store;
use accounts::{
    Accounts, Builder, Caller, ClientInfo, Email, Invitation, ServiceError, SignUpError,
    SignUpRefusal, SignUpRequest,
};

use crate::app::{EMAIL, PASSWORD};

const MESSAGE: &str = "Sign up with your work email address.";

fn builder() -> Builder {
    Accounts::builder().store(memory_store()).public_url("https://app.example").for_tests()
}

fn caller() -> Caller {
    Caller::from(ClientInfo::new(Some([192, 0, 2, 1].into()), Some("Browser/1.0")))
}

/// Accepts email addresses of one domain, and people with an invitation.
async fn only_example_com(request: SignUpRequest) -> Result<(), SignUpRefusal> {
    match request.invited || request.email.key().as_str().ends_with("@example.com") {
        true => Ok(()),
        false => Err(SignUpRefusal::new(MESSAGE)),
    }
}

#[tokio::test]
async fn a_refused_sign_up_creates_no_account_and_has_the_message_of_the_app() {
    let app = builder().before_sign_up(only_example_com).build().await.unwrap();
    let refused = app.sign_up("ada@other.example", PASSWORD, &caller()).await;
    let Err(SignUpError::Refused { message }) = refused else {
        unreachable!("{refused:?}");
    };
    assert_eq!(message, MESSAGE);
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
    assert_eq!(app.operator().users(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_check_gets_the_parsed_email_address_and_the_client() {
    let seen = Arc::<Mutex<Vec<SignUpRequest>>>::default();
    let recorder = Arc::clone(&seen);
    let check = move |request| {
        recorder.lock().unwrap().push(request);
        async { Ok(()) }
    };
    let app = builder().before_sign_up(check).build().await.unwrap();
    let user = app.sign_up(&format!("  {EMAIL} "), PASSWORD, &caller()).await.unwrap();
    let expected = SignUpRequest { email: user.email, invited: false, client: caller().client };
    assert_eq!(seen.lock().unwrap()[..], [expected]);
}

#[tokio::test]
async fn the_check_gets_the_email_address_in_a_spelling_that_can_be_compared() {
    let check = async |request: SignUpRequest| {
        let is_blocked = request.email.key().as_str().ends_with("@mailinator.com");
        if is_blocked { Err(SignUpRefusal::new(MESSAGE)) } else { Ok(()) }
    };
    let app = builder().before_sign_up(check).build().await.unwrap();
    for email in ["x@mailinator.com", "x@Mailinator.com", "x@ＭＡＩＬＩＮＡＴＯＲ.com"] {
        let refused = app.sign_up(email, PASSWORD, &caller()).await;
        assert!(matches!(refused, Err(SignUpError::Refused { .. })), "{email} {refused:?}");
    }
}

#[tokio::test]
async fn the_check_can_accept_people_with_an_invitation() {
    let app = builder().before_sign_up(only_example_com).build().await.unwrap();
    let invite = async |email: &str| {
        let email = Email::parse(email).unwrap();
        let invitation = app.operator().invite(&email, Invitation::DEFAULT_LIFETIME).await;
        invitation.unwrap().token.to_text()
    };
    let (ada, grace) = (invite("ada@other.example").await, invite("grace@other.example").await);
    let sign_up = async |email: &str, token: &str| {
        app.sign_up_with_invitation(email, PASSWORD, token, &caller()).await
    };
    let without = app.sign_up("ada@other.example", PASSWORD, &caller()).await;
    assert!(matches!(without, Err(SignUpError::Refused { .. })), "{without:?}");
    // The check accepts an invitation of someone else, but it is not valid.
    let wrong = sign_up("ada@other.example", &grace).await;
    assert!(matches!(wrong, Err(SignUpError::InvitationInvalid)), "{wrong:?}");
    sign_up("ada@other.example", &ada).await.unwrap();
    assert_eq!(app.operator().users(None, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_check_can_refuse_people_with_an_invitation() {
    let check = async |request: SignUpRequest| match request.invited {
        true => Err(SignUpRefusal::new(MESSAGE)),
        false => Ok(()),
    };
    let app = builder().before_sign_up(check).build().await.unwrap();
    let email = Email::parse(EMAIL).unwrap();
    let invitation = app.operator().invite(&email, Invitation::DEFAULT_LIFETIME).await.unwrap();
    let token = invitation.token.to_text();
    let refused = app.sign_up_with_invitation(EMAIL, PASSWORD, &token, &caller()).await;
    assert!(matches!(refused, Err(SignUpError::Refused { .. })), "{refused:?}");
    app.sign_up(EMAIL, PASSWORD, &caller()).await.unwrap();
}

/// Otherwise, the outcome would reveal whether the email address has an account.
#[tokio::test]
async fn a_refusal_does_not_depend_on_whether_the_email_address_is_taken() {
    let store = memory_store();
    let open = builder().store(Arc::clone(&store)).build().await.unwrap();
    open.sign_up("ada@other.example", PASSWORD, &caller()).await.unwrap();
    let app = builder().store(store).before_sign_up(only_example_com).build().await.unwrap();
    let taken = app.sign_up("ada@other.example", PASSWORD, &caller()).await;
    assert!(matches!(taken, Err(SignUpError::Refused { .. })), "{taken:?}");
}

#[tokio::test]
async fn the_check_is_called_neither_for_invalid_requests_nor_for_operators() {
    let calls = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&calls);
    let check = move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Err(SignUpRefusal::new(MESSAGE)) }
    };
    let app = builder().before_sign_up(check).build().await.unwrap();
    let invalid = app.sign_up(EMAIL, "short", &caller()).await;
    assert!(matches!(invalid, Err(SignUpError::Invalid { .. })), "{invalid:?}");
    app.operator().create(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn refused_sign_ups_count_and_the_check_is_not_called_after_too_many() {
    let calls = Arc::<AtomicUsize>::default();
    let counter = Arc::clone(&calls);
    let check = move |_| {
        counter.fetch_add(1, Ordering::SeqCst);
        async { Err(SignUpRefusal::new(MESSAGE)) }
    };
    let app = Accounts::builder()
        .store(memory_store())
        .public_url("https://app.example")
        .pbkdf2_iterations(1_000)
        .accept_weaknesses()
        .before_sign_up(check)
        .build()
        .await
        .unwrap();
    for number in 0..20 {
        let email = format!("user{number}@example.com");
        let refused = app.sign_up(&email, PASSWORD, &caller()).await;
        assert!(matches!(refused, Err(SignUpError::Refused { .. })), "{refused:?}");
    }
    let throttled = app.sign_up(EMAIL, PASSWORD, &caller()).await;
    assert!(matches!(throttled, Err(SignUpError::TooManyAttempts { .. })), "{throttled:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 20);
}

async fn fails(app: Arc<Accounts>) {
    let failed = app.sign_up(EMAIL, PASSWORD, &caller()).await;
    let is_expected = matches!(failed, Err(SignUpError::Service(ServiceError::BeforeSignUp(_))));
    assert!(is_expected, "{failed:?}");
    assert_eq!(app.operator().users(None, 10).await.unwrap(), []);
}

#[tokio::test]
async fn a_check_that_fails_or_panics_is_an_error_of_the_service() {
    let check = async |_| Err(SignUpRefusal::failed("the disk is full"));
    fails(builder().before_sign_up(check).build().await.unwrap()).await;
    let check = async |_| resume_unwind(Box::new("on purpose"));
    fails(builder().before_sign_up(check).build().await.unwrap()).await;
}

#[tokio::test(start_paused = true)]
async fn a_check_that_takes_too_long_is_an_error_of_the_service() {
    let check = async |_| pending().await;
    fails(builder().before_sign_up(check).build().await.unwrap()).await;
}
