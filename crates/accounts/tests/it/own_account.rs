use accounts::{
    AuthenticateError, Caller, ClientInfo, OwnAccountError, PasswordError, SignInError,
};
use futures_util::future::{join, join_all};

use crate::world::{EMAIL, PASSWORD, World, access, issue, recognised, refresh};

const NEW: &str = "a short swim in the river";

#[tokio::test]
async fn the_new_password_counts_and_every_other_session_ends() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    here.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (own, other) = (issue(&here, false).await, issue(&here, true).await);
    let ada = here.authenticate(&access(&own)).await.unwrap();
    here.change_password(&ada, PASSWORD, NEW, &Caller::default()).await.unwrap();
    there.authenticate(&access(&own)).await.unwrap();
    refresh(&there, &own).await.unwrap();
    assert!(there.authenticate(&access(&other)).await.is_err());
    assert!(refresh(&there, &other).await.is_err());
    let old = there.sign_in(EMAIL, PASSWORD, false, &Caller::default(), None).await;
    assert!(matches!(old, Err(SignInError::InvalidCredentials)));
    there.sign_in(EMAIL, NEW, false, &Caller::default(), None).await.unwrap();
}

#[tokio::test]
async fn who_does_not_know_the_password_changes_nothing() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&server).await;
    for wrong in ["", NEW, "a long walk along the sea ", &format!("{PASSWORD}\0")] {
        let changed = server.change_password(&ada, wrong, NEW, &Caller::default()).await;
        assert!(matches!(changed, Err(OwnAccountError::WrongPassword)), "{wrong}");
        let deleted = server.delete_account(&ada, wrong, &Caller::default()).await;
        assert!(matches!(deleted, Err(OwnAccountError::WrongPassword)), "{wrong}");
    }
    recognised(&server).await;
}

#[tokio::test]
async fn a_new_password_satisfies_the_policy() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&server).await;
    for (new, error) in [
        ("short", PasswordError::TooShort { min_length: 8 }),
        ("ADA@example.com", PasswordError::Common),
        ("latchkey", PasswordError::Common),
        ("password1", PasswordError::Common),
    ] {
        // Even where the current one is wrong: the rule costs no hash.
        for current in [PASSWORD, "wrong"] {
            let refused = server.change_password(&ada, current, new, &Caller::default()).await;
            assert!(matches!(refused, Err(OwnAccountError::Invalid(found)) if found == error));
        }
    }
}

#[tokio::test]
async fn a_session_that_ended_meanwhile_changes_nothing() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&server).await;
    server.sign_out(&ada, &ClientInfo::default()).await.unwrap();
    let changed = server.change_password(&ada, PASSWORD, NEW, &Caller::default()).await;
    assert!(matches!(changed, Err(OwnAccountError::SessionEnded)));
    let deleted = server.delete_account(&ada, PASSWORD, &Caller::default()).await;
    assert!(matches!(deleted, Err(OwnAccountError::SessionEnded)));
    recognised(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_changes_at_once_in_one_session_one_succeeds() {
    let world = World::new();
    let server = world.server().await;
    server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&server).await;
    let new: Vec<_> = (0..10).map(|n| format!("{NEW} {n}")).collect();
    let nobody = Caller::default();
    let changed =
        join_all(new.iter().map(|new| server.change_password(&ada, PASSWORD, new, &nobody))).await;
    let mut winners = 0;
    for (changed, new) in changed.iter().zip(&new) {
        let works = server.sign_in(EMAIL, new, false, &Caller::default(), None).await.is_ok();
        assert_eq!(changed.is_ok(), works);
        winners += usize::from(works);
        assert!(works || matches!(changed, Err(OwnAccountError::WrongPassword)), "{changed:?}");
    }
    assert_eq!(winners, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_at_once_to_what_it_is_already_one_succeeds() {
    let world = World::new();
    // With a hash that a log-in would renew.
    world.server().await.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let server = world.server_with(|settings| settings.pbkdf2_iterations = 20_000).await;
    let ada = recognised(&world.server().await).await;
    // Most of the time both have compared their password before one of them is changed.
    let mut rounds = Vec::new();
    while !rounds.contains(&1) && rounds.len() < 20 {
        let nobody = Caller::default();
        let change = || server.change_password(&ada, PASSWORD, PASSWORD, &nobody);
        let (one, other) = join(change(), change()).await;
        rounds.push(usize::from(one.is_ok()) + usize::from(other.is_ok()));
        let mut refused = [one, other].into_iter().filter_map(Result::err);
        assert!(refused.all(|error| matches!(error, OwnAccountError::WrongPassword)));
    }
    assert!(rounds.contains(&1), "{rounds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ins_and_renewals_that_race_with_a_change_do_not_outlive_it() {
    let world = World::new();
    let (here, there) = (world.server().await, world.server().await);
    here.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&here).await;
    let mut others = Vec::new();
    for _ in 0..10 {
        others.push(issue(&here, false).await);
    }
    let nobody = Caller::default();
    let log_ins = join_all((0..10).map(|_| there.sign_in(EMAIL, PASSWORD, false, &nobody, None)));
    let renewals = join_all(others.iter().map(|other| refresh(&there, other)));
    let ((log_ins, renewals), changed) = join(
        join(log_ins, renewals),
        here.change_password(&ada, PASSWORD, NEW, &Caller::default()),
    )
    .await;
    changed.unwrap();
    for issued in log_ins.into_iter().flatten().chain(renewals.into_iter().flatten()) {
        assert!(here.authenticate(&access(&issued)).await.is_err());
        assert!(refresh(&here, &issued).await.is_err());
    }
    let alive = here.sessions(&ada).await.unwrap();
    assert_eq!(alive.len(), 1);
    assert_eq!(alive[0].session.id, ada.session().id);
}

#[tokio::test]
async fn a_change_succeeds_though_a_log_in_renews_the_hash_meanwhile() {
    let world = World::new();
    let before = world.server().await;
    before.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let ada = recognised(&before).await;
    let today = world.server_with(|settings| settings.pbkdf2_iterations = 2_000).await;
    let nobody = Caller::default();
    let (signed_in, changed) = join(
        today.sign_in(EMAIL, PASSWORD, false, &nobody, None),
        today.change_password(&ada, PASSWORD, NEW, &Caller::default()),
    )
    .await;
    changed.unwrap();
    // Whether it came first or was too late, its session is over.
    if let Ok(issued) = signed_in {
        assert!(today.authenticate(&access(&issued)).await.is_err());
    }
}

#[tokio::test]
async fn a_deleted_account_is_gone_and_its_address_free() {
    let world = World::new();
    let server = world.server().await;
    let first = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let (own, other) = (issue(&server, false).await, issue(&server, true).await);
    let ada = server.authenticate(&access(&own)).await.unwrap();
    server.delete_account(&ada, PASSWORD, &Caller::default()).await.unwrap();
    for issued in [&own, &other] {
        assert!(server.authenticate(&access(issued)).await.is_err());
        assert!(refresh(&server, issued).await.is_err());
    }
    assert!(matches!(server.export(&ada).await, Err(AuthenticateError::InvalidToken)));
    // Who was too late has not given a wrong password.
    let again = server.delete_account(&ada, PASSWORD, &Caller::default()).await;
    assert!(matches!(again, Err(OwnAccountError::SessionEnded)));
    let changed = server.change_password(&ada, PASSWORD, NEW, &Caller::default()).await;
    assert!(matches!(changed, Err(OwnAccountError::SessionEnded)));
    let log_in = server.sign_in(EMAIL, PASSWORD, false, &Caller::default(), None).await;
    assert!(matches!(log_in, Err(SignInError::InvalidCredentials)));
    assert_ne!(server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap().id, first.id);
}

#[tokio::test]
async fn everything_that_is_held_can_be_taken_along() {
    let world = World::new();
    let server = world.server().await;
    let user = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    issue(&server, true).await;
    let ada = recognised(&server).await;
    let held = server.export(&ada).await.unwrap();
    assert_eq!(held.user, user);
    assert_eq!(held.password_hash.iterations(), Some(1_000));
    assert_eq!(held.sessions.len(), 2);
    assert_eq!(held.sessions[0].client.user_agent(), Some("Browser/1.0"));
}
