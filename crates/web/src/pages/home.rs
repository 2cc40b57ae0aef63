use yew::prelude::*;

use crate::components::{AppLink, Door, Status, use_page_title};
use crate::history::use_location;
use crate::navigation::Farewell;
use crate::route::Route;
use crate::session::use_session;

/// The front page, for everybody.
#[component]
pub fn HomePage() -> Html {
    use_page_title("A door of your own");
    let session = use_session();
    let farewell = use_location().told::<Farewell>();
    html! {
        <article class="home">
            <div class="hero">
                <div class="hero-text">
                    <h1 tabindex="-1">{"A door of your own"}</h1>
                    // Going back leads here once more, perhaps somebody else by then.
                    if farewell.is_some() && !session.may_be_signed_in() {
                        <Status text="Your account is deleted." />
                    }
                    <p class="lead">
                        {"Latchkey keeps one page for you, and for nobody else. A password that only you \
                          know is the key to it."}
                    </p>
                    {if session.may_be_signed_in() { welcome_back() } else { welcome() }}
                </div>
                <Door />
            </div>
            <ul class="promises">
                {promise("Your password stays yours", "Any characters, spaces and emoji too. What is \
                    kept is a hash that is slow to guess, never the password.")}
                {promise("The lock is on the server", "Nothing private is shown before the server \
                    has looked at your key, on every visit.")}
                {promise("Out is out", "Log out, and the session ends on the server at that \
                    moment. An old key opens nothing.")}
            </ul>
        </article>
    }
}

fn welcome() -> Html {
    html! {
        <p class="actions">
            <AppLink to={Route::Signup} class="button">{"Create an account"}</AppLink>
            <AppLink to={Route::Login} class="button button-quiet">{"Log in"}</AppLink>
        </p>
    }
}

fn welcome_back() -> Html {
    html! {
        <p class="actions">
            <AppLink to={Route::Private} class="button">{"Open your account"}</AppLink>
        </p>
    }
}

fn promise(title: &'static str, text: &'static str) -> Html {
    html! {
        <li class="promise">
            <h2>{title}</h2>
            <p>{text}</p>
        </li>
    }
}
