use std::time::Duration;

use accounts::{
    Accounts, Caller, ClientInfo, IssuedTokens, OwnAccountError, SignInError, SignUpError,
};
use futures_util::future::join_all;

use crate::world::{EMAIL, PASSWORD, World, recognised};

const WRONG: &str = "a short walk along the sea";
const MINUTE: Duration = Duration::from_mins(1);

/// A program at this address.
fn at(ip: [u8; 4]) -> Caller {
    ClientInfo::new(Some(ip.into()), None).into()
}

async fn sign_in(
    server: &Accounts,
    email: &str,
    password: &str,
    caller: &Caller,
) -> Result<IssuedTokens, SignInError> {
    server.sign_in(email, password, false, caller, None).await
}

async fn fail(server: &Accounts, email: &str, caller: &Caller) {
    let failed = sign_in(server, email, WRONG, caller).await;
    assert!(matches!(failed, Err(SignInError::InvalidCredentials)), "{failed:?}");
}

#[track_caller]
fn assert_waits(refused: Result<IssuedTokens, SignInError>, wait: Duration) {
    match refused {
        Err(SignInError::TooManyAttempts { retry_after }) => assert_eq!(retry_after, wait),
        other => unreachable!("{other:?}"),
    }
}

/// A browser that has signed in to Ada's account.
async fn known_browser(server: &Accounts) -> Caller {
    let issued = sign_in(server, EMAIL, PASSWORD, &at([192, 0, 2, 9])).await.unwrap();
    Caller { device: issued.device, ..at([192, 0, 2, 10]) }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_wrong_passwords_at_once_on_two_servers_ten_are_looked_at() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    here.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    for email in [EMAIL, "nobody@example.com", "no address"] {
        let callers: Vec<_> = (0..40).map(|n| at([198, 51, 100, n])).collect();
        let answers = join_all(callers.iter().enumerate().map(|(n, caller)| {
            let server = if n % 2 == 0 { &here } else { &there };
            sign_in(server, email, WRONG, caller)
        }))
        .await;
        let looked_at =
            |answer: &&Result<_, _>| matches!(answer, Err(SignInError::InvalidCredentials));
        assert_eq!(answers.iter().filter(looked_at).count(), 10, "{email}");
        for answer in answers.into_iter().filter(|answer| !looked_at(&answer)) {
            assert_waits(answer, MINUTE);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_forty_right_passwords_at_once_on_two_servers_none_is_refused() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    here.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let caller = at([192, 0, 2, 1]);
    let answers = join_all((0..40).map(|n| {
        let server = if n % 2 == 0 { &here } else { &there };
        sign_in(server, EMAIL, PASSWORD, &caller)
    }))
    .await;
    assert!(answers.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_answer_says_nothing_of_the_password_or_of_the_account() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    for email in [EMAIL, "nobody@example.com"] {
        for n in 0..10 {
            fail(&server, email, &at([198, 51, 100, n])).await;
        }
        for password in [WRONG, PASSWORD] {
            assert_waits(sign_in(&server, email, password, &at([192, 0, 2, 1])).await, MINUTE);
        }
    }
}

#[tokio::test]
async fn a_stranger_does_not_lock_the_owner_out_nor_does_the_owner_let_the_stranger_in() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (owner, stranger) = (known_browser(&server).await, at([198, 51, 100, 1]));
    for _ in 0..10 {
        fail(&server, EMAIL, &stranger).await;
    }
    sign_in(&server, EMAIL, PASSWORD, &owner).await.unwrap();
    assert_waits(sign_in(&server, EMAIL, PASSWORD, &stranger).await, MINUTE);
    // The owner may be mistaken as often as anybody, wherever they are.
    let roaming = Caller { client: stranger.client.clone(), ..owner };
    for _ in 0..10 {
        fail(&server, EMAIL, &roaming).await;
    }
    assert_waits(sign_in(&server, EMAIL, PASSWORD, &roaming).await, MINUTE);
}

#[tokio::test]
async fn a_browser_is_known_to_the_account_that_it_has_signed_in_to() {
    let world = World::new();
    let server = world.server().await;
    let grace = "grace@example.com";
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    server.sign_up(grace, PASSWORD, &Caller::default()).await.unwrap();
    let browser = known_browser(&server).await;
    let of_grace = sign_in(&server, grace, PASSWORD, &browser).await.unwrap().device.unwrap();
    assert_ne!(*of_grace.to_text(), *browser.device.as_ref().unwrap().to_text());
    for n in 0..10 {
        fail(&server, grace, &at([198, 51, 100, n])).await;
    }
    assert_waits(sign_in(&server, grace, PASSWORD, &browser).await, MINUTE);
    // It is known on every server, after a restart, and keeps its name.
    let again = sign_in(&world.server().await, EMAIL, PASSWORD, &browser).await.unwrap();
    let text = |caller: &Caller| caller.device.as_ref().unwrap().to_text();
    assert_eq!(*again.device.unwrap().to_text(), *text(&browser));
}

#[tokio::test]
async fn a_success_clears_what_the_account_has_failed_and_not_what_the_address_has() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let caller = at([192, 0, 2, 1]);
    for _ in 0..3 {
        for _ in 0..9 {
            fail(&server, EMAIL, &caller).await;
        }
        sign_in(&server, EMAIL, PASSWORD, &caller).await.unwrap();
    }
    for _ in 0..3 {
        fail(&server, "nobody@example.com", &caller).await;
    }
    world.pass(5 * MINUTE);
    assert_waits(sign_in(&server, EMAIL, PASSWORD, &caller).await, 10 * MINUTE);
    let neighbour = at([192, 0, 2, 2]);
    sign_in(&server, EMAIL, PASSWORD, &neighbour).await.unwrap();
    world.pass(10 * MINUTE);
    sign_in(&server, EMAIL, PASSWORD, &caller).await.unwrap();
}

#[tokio::test]
async fn wrong_passwords_in_the_account_count_as_well() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (ada, caller) = (recognised(&server).await, at([192, 0, 2, 1]));
    for _ in 0..5 {
        let changed = server.change_password(&ada, WRONG, "a swim in the river", &caller).await;
        assert!(matches!(changed, Err(OwnAccountError::WrongPassword)));
        let deleted = server.delete_account(&ada, WRONG, &caller).await;
        assert!(matches!(deleted, Err(OwnAccountError::WrongPassword)));
    }
    for password in [WRONG, PASSWORD] {
        let deleted = server.delete_account(&ada, password, &caller).await;
        assert!(matches!(deleted, Err(OwnAccountError::TooManyAttempts { .. })));
    }
    assert_waits(sign_in(&server, EMAIL, PASSWORD, &caller).await, MINUTE);
    // What is wrong with a new password is said all the same.
    let changed = server.change_password(&ada, PASSWORD, "short", &caller).await;
    assert!(matches!(changed, Err(OwnAccountError::Invalid(_))));
    world.pass(MINUTE);
    server.delete_account(&ada, PASSWORD, &caller).await.unwrap();
}

#[tokio::test]
async fn sign_ups_from_one_address_are_counted_by_the_hour() {
    let world = World::new();
    let server = world.server().await;
    let caller = at([192, 0, 2, 1]);
    let sign_up =
        async |email: &str, caller: &Caller| server.sign_up(email, PASSWORD, caller).await;
    for n in 0..10 {
        let email = format!("user{n}@example.com");
        sign_up(&email, &caller).await.unwrap();
        assert!(matches!(sign_up(&email, &caller).await, Err(SignUpError::EmailTaken)));
        // What breaks a rule is no sign-up.
        assert!(matches!(sign_up("", &caller).await, Err(SignUpError::Invalid { .. })));
    }
    for email in ["user1@example.com", "new@example.com"] {
        let refused = sign_up(email, &caller).await;
        let hour = 60 * MINUTE;
        assert!(
            matches!(refused, Err(SignUpError::TooManyAttempts { retry_after }) if retry_after == hour)
        );
    }
    sign_up("neighbour@example.com", &at([192, 0, 2, 2])).await.unwrap();
    sign_up("operator@example.com", &Caller::default()).await.unwrap();
    world.pass(60 * MINUTE);
    sign_up("new@example.com", &caller).await.unwrap();
}

#[tokio::test]
async fn without_a_throttle_nothing_is_refused() {
    let world = World::new();
    let server = world.server_with(|settings| settings.throttle = false).await;
    let caller = at([192, 0, 2, 1]);
    for n in 0..21 {
        server.sign_up(&format!("user{n}@example.com"), PASSWORD, &caller).await.unwrap();
    }
    for _ in 0..31 {
        fail(&server, EMAIL, &caller).await;
    }
}
