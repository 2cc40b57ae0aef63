use yew::prelude::*;
use yew_router::hooks::use_location;

use crate::components::{Link, door, status, use_page_title};
use crate::routes::{AccountDeleted, Route};
use crate::session::use_session;

/// The front page, for everybody.
#[component]
pub fn Home() -> Html {
    use_page_title("A door of your own");
    let may_be_signed_in = use_session().may_be_signed_in();
    let account_deleted = use_location().and_then(|location| location.state::<AccountDeleted>());
    html! {
        <article class="home">
            <div class="hero">
                <div class="hero-text">
                    <h1 tabindex="-1">{"A door of your own"}</h1>
                    // Going back leads here once more, perhaps as another user.
                    if account_deleted.is_some() && !may_be_signed_in {
                        {status(Some("Your account is deleted.".into()))}
                    }
                    <p class="lead">
                        {"Latchkey keeps one page for you, and for nobody else. A password that only you \
                          know is the key to it."}
                    </p>
                    {if may_be_signed_in { welcome_back() } else { welcome() }}
                </div>
                {door()}
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
            <Link to={Route::Signup} class="button">{"Create an account"}</Link>
            <Link to={Route::Login} class="button button-quiet">{"Log in"}</Link>
        </p>
    }
}

fn welcome_back() -> Html {
    html! {
        <p class="actions">
            <Link to={Route::Private} class="button">{"Open your account"}</Link>
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
