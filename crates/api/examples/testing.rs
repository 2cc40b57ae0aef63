//! An app with a page for authenticated users, and a test of it.
use api::{Auth, SignedIn};
use warp::filters::BoxedFilter;
use warp::{Filter, Reply, reply::Response};

/// Returns the routes of the app.
fn routes(auth: &Auth) -> BoxedFilter<(Response,)> {
    let hello = async |user: SignedIn| format!("hello {}", user.email());
    let private = auth.guarded(warp::path!("private"), hello);
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
    use std::{sync::Arc, time::Duration};

    use api::testing::{ManualClock, memory_store, sign_in_as};

    use super::*;

    #[tokio::test]
    async fn the_page_is_for_authenticated_users_only() {
        let clock = Arc::new(ManualClock::default());
        let auth = Auth::builder()
            .store(memory_store())
            .public_url("http://localhost:3000")
            .for_tests()
            .clock(clock.clone())
            .build()
            .await
            .unwrap();
        let routes = routes(&auth);
        let ada = sign_in_as(auth.accounts(), "ada@example.com").await;
        let request = || warp::test::request().path("/private");

        let response = request().reply(&routes).await;
        assert_eq!(response.status(), 401);
        let response = request().header("authorization", ada.authorization()).reply(&routes).await;
        assert_eq!(response.body(), "hello ada@example.com");

        clock.advance(Duration::from_mins(6)); // access tokens are valid for 5 minutes
        let response = request().header("authorization", ada.authorization()).reply(&routes).await;
        assert_eq!(response.status(), 401);
    }
}
