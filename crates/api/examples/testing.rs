//! An app with a page for authenticated users, and tests of it.
use api::{Auth, SignedIn};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply, reply::Response};

/// Returns the routes of the app.
fn routes(auth: &Auth) -> BoxedFilter<(Response,)> {
    let hello = async |user: SignedIn| {
        let title = if user.has_role("editor") { "editor " } else { "" };
        format!("hello {title}{}", user.email())
    };
    let private = auth.guard().cookies().route(warp::path!("private"), hello);
    auth.routes().or(private).map(Reply::into_response).boxed()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let auth = Auth::builder().sqlite("app.db").public_url("http://localhost:3000").build().await?;
    warp::serve(routes(&auth)).run(([127, 0, 0, 1], 3000)).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};
    use std::time::Duration;

    use api::accounts::Builder;
    use api::testing::{ManualClock, memory_store, sign_in_as};
    use api::{AccountEvent, EventKind, Role};

    use super::*;

    fn builder(clock: &Arc<ManualClock>) -> Builder<Auth> {
        let builder = Auth::builder().store(memory_store()).public_url("http://localhost:3000");
        builder.for_tests().clock(clock.clone())
    }

    #[tokio::test]
    async fn the_page_is_for_authenticated_users_only() {
        let clock = Arc::new(ManualClock::default());
        let auth = builder(&clock).build().await.unwrap();
        let routes = routes(&auth);
        let ada = sign_in_as(auth.accounts(), "ada@example.com").await;
        let request = || warp::test::request().path("/private");
        let with_token = || request().header("authorization", ada.authorization());
        let with_cookie = || request().header("cookie", ada.cookie(auth.accounts()));

        assert_eq!(request().reply(&routes).await.status(), 401);
        assert_eq!(with_token().reply(&routes).await.body(), "hello ada@example.com");
        assert_eq!(with_cookie().reply(&routes).await.body(), "hello ada@example.com");

        let editor = Role::parse("editor").unwrap();
        auth.accounts().operator().grant_role(ada.user.id, &editor).await.unwrap();
        assert_eq!(with_token().reply(&routes).await.body(), "hello editor ada@example.com");

        clock.advance(Duration::from_mins(6)); // access tokens are valid for 5 minutes
        assert_eq!(with_token().reply(&routes).await.status(), 401);
        assert_eq!(with_cookie().reply(&routes).await.status(), 200);
    }

    #[tokio::test]
    async fn a_session_ends() {
        let clock = Arc::new(ManualClock::default());
        let auth = builder(&clock).build().await.unwrap();
        let accounts = auth.accounts();
        // After 30 minutes without a refresh
        let mut ada = sign_in_as(accounts, "ada@example.com").await;
        clock.advance(Duration::from_mins(29));
        ada.refresh(accounts).await.unwrap();
        clock.advance(Duration::from_mins(30));
        assert!(ada.refresh(accounts).await.is_err());
        // After 12 hours in any case
        let mut ada = sign_in_as(accounts, "ada@example.com").await;
        for _ in 0..47 {
            clock.advance(Duration::from_mins(15));
            ada.refresh(accounts).await.unwrap();
        }
        clock.advance(Duration::from_mins(15));
        assert!(ada.refresh(accounts).await.is_err());
    }

    #[tokio::test]
    async fn the_event_handler_is_called() {
        let (sender, kinds) = mpsc::channel();
        let handler = move |event: AccountEvent| {
            let sent = sender.send(event.event.kind);
            async { sent }
        };
        let builder = builder(&Arc::default()).on_event("kinds", handler);
        let auth = builder.build().await.unwrap();
        sign_in_as(auth.accounts(), "ada@example.com").await;
        auth.accounts().deliver_events().await.unwrap();
        let kinds: Vec<_> = kinds.try_iter().collect();
        assert_eq!(kinds, [EventKind::AccountCreated, EventKind::SignedIn]);
    }
}
