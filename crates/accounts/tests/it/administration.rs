use accounts::{Caller, OperatorError, SignInError};

use crate::world::{EMAIL, PASSWORD, World, access, issue, refresh};

const NEW: &str = "a short swim in the river";

#[tokio::test]
async fn an_account_is_found_by_its_id_and_every_spelling_of_its_address() {
    let world = World::new();
    let server = world.server().await;
    let ada = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let operator = server.operator();
    for name in [ada.id.to_string().as_str(), EMAIL, " ADA@EXAMPLE.COM "] {
        assert_eq!(operator.user(name).await.unwrap(), ada, "{name}");
    }
    for name in ["grace@example.com", "ada", "", "01960000-0000-7000-8000-00000000ada0"] {
        let found = operator.user(name).await;
        assert!(matches!(found, Err(OperatorError::NoSuchUser)), "{name}");
    }
}

#[tokio::test]
async fn a_disabled_user_is_out_at_once_and_a_log_in_does_not_tell_why() {
    let world = World::new();
    let (server, operators) = (world.server().await, world.server().await);
    let ada = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, true).await;
    operators.operator().disable(ada.id).await.unwrap();
    assert!(server.authenticate(&access(&issued)).await.is_err());
    assert!(refresh(&server, &issued).await.is_err());
    let log_in = async || server.sign_in(EMAIL, PASSWORD, false, &Caller::default(), None).await;
    assert!(matches!(log_in().await, Err(SignInError::InvalidCredentials)));
    let disabled = operators.operator().user(EMAIL).await.unwrap().disabled_at;
    assert_eq!(disabled, Some(world.now()));
    operators.operator().enable(ada.id).await.unwrap();
    log_in().await.unwrap();
    assert!(server.authenticate(&access(&issued)).await.is_err(), "what was ended stays so");
}

#[tokio::test]
async fn a_password_from_an_operator_satisfies_the_policy_and_ends_every_session() {
    let world = World::new();
    let server = world.server().await;
    let ada = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let issued = issue(&server, false).await;
    let operator = server.operator();
    for wrong in ["short", EMAIL, "latchkey"] {
        let refused = operator.set_password(&ada, wrong).await;
        assert!(matches!(refused, Err(OperatorError::Invalid(_))), "{wrong}");
    }
    assert!(server.authenticate(&access(&issued)).await.is_ok());
    operator.set_password(&ada, NEW).await.unwrap();
    assert!(server.authenticate(&access(&issued)).await.is_err());
    server.sign_in(EMAIL, NEW, false, &Caller::default(), None).await.unwrap();
}

#[tokio::test]
async fn an_operator_sees_and_ends_sessions_and_deletes_accounts() {
    let world = World::new();
    let server = world.server().await;
    let ada = server.sign_up(EMAIL, PASSWORD, &Caller::default()).await.unwrap();
    let operator = server.operator();
    issue(&server, false).await;
    issue(&server, true).await;
    assert_eq!(operator.sessions(ada.id).await.unwrap().len(), 2);
    assert_eq!(operator.sign_out(ada.id).await.unwrap(), 2);
    assert!(operator.sessions(ada.id).await.unwrap().is_empty());
    operator.delete(ada.id).await.unwrap();
    for again in [
        operator.delete(ada.id).await,
        operator.disable(ada.id).await,
        operator.enable(ada.id).await,
        operator.set_password(&ada, NEW).await,
    ] {
        assert!(matches!(again, Err(OperatorError::NoSuchUser)));
    }
    assert!(operator.users(None, 10).await.unwrap().is_empty());
}
