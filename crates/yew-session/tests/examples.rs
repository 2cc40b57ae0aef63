//! Renders the example "hello" natively, in each state of the session.

#![cfg(not(target_family = "wasm"))]
#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

#[path = "../examples/hello/main.rs"]
#[expect(dead_code, reason = "only a browser runs the whole app")]
mod hello;

use tokio::runtime::Builder;
use yew::prelude::*;
use yew_session::{ApiError, Session, SessionProvider, User};

#[derive(Properties, PartialEq)]
struct StartProps {
    session: Session,
}

#[component]
fn Start(props: &StartProps) -> Html {
    html! {
        <SessionProvider initial={props.session.clone()}><hello::Page /></SessionProvider>
    }
}

fn render(session: Session) -> String {
    let renderer = yew::LocalServerRenderer::<Start>::with_props(StartProps { session });
    let runtime = Builder::new_current_thread().build().unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, renderer.hydratable(false).render())
}

#[test]
fn signed_out_users_see_the_form_and_signed_in_users_the_greeting() {
    let form = render(Session::SignedOut);
    assert!(form.contains("<form") && form.contains("type=\"password\""), "{form}");
    let user = User {
        id: "018f".to_owned(),
        email: "ada@example.com".to_owned(),
        created_at: "2026-04-14T09:30:00Z".to_owned(),
        email_verified_at: None,
        second_factor: false,
        second_factor_enrolment_required: false,
        roles: Vec::new(),
    };
    let hello = render(Session::SignedIn(user));
    assert!(hello.contains("Log out") && !hello.contains("<form"), "{hello}");
    for session in [Session::Loading, Session::Ending] {
        let waiting = render(session);
        assert!(!waiting.contains("<form") && !waiting.contains("Log out"), "{waiting}");
    }
    let unconfirmed = render(Session::Unconfirmed(ApiError::Unreachable));
    assert!(unconfirmed.contains("cannot be reached"), "{unconfirmed}");
    assert!(unconfirmed.contains("Try again"), "{unconfirmed}");
}
