use crate::conformance::deployment::Deployment;
use crate::conformance::steps::{NOW, first_key, open, seed, sign_in_ada, sign_up_ada, user};

cases! {
    ($) store_cases in store;
    user_data_contains_everything_stored,
    acknowledged_writes_survive_a_restart,
    a_store_answers_a_ping,
}

async fn user_data_contains_everything_stored(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (ada, password) = sign_up_ada(&store).await;
    let (session, _) = open(&store, &ada).await;
    let data = store.user_data(ada.id).await.unwrap().unwrap();
    assert_eq!((data.user, data.password_hash), (ada, password));
    let ids: Vec<_> = data.sessions.iter().map(|record| record.session.id).collect();
    assert_eq!(ids, [session.id]);
    let unknown = user("grace@example.com");
    assert_eq!(store.user_data(unknown.id).await.unwrap(), None);
}

async fn acknowledged_writes_survive_a_restart(deployment: &dyn Deployment) {
    let store = deployment.connect().await;
    let (user, session) = sign_in_ada(&store).await;
    let key = first_key(&store, &seed()).await;
    drop(store);
    let store = deployment.connect().await;
    let found = store.session(session.id, NOW).await.unwrap().unwrap();
    assert_eq!((found.session, found.user), (session, user));
    assert_eq!(first_key(&store, &seed()).await, key);
}

async fn a_store_answers_a_ping(deployment: &dyn Deployment) {
    deployment.connect().await.ping().await.unwrap();
}
