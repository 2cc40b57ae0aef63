use yew::prelude::*;

use crate::components::{PageTitle, door, link, status};
use crate::history::Location;
use crate::navigation::Farewell;
use crate::route::Route;

/// The front page, for everybody.
pub(crate) fn home_page(location: &Location, may_be_signed_in: bool) -> Html {
    let farewell = location.told::<Farewell>();
    html! {
        <article class="home">
            <PageTitle title="A door of your own" />
            <div class="hero">
                <div class="hero-text">
                    <h1 tabindex="-1">{"A door of your own"}</h1>
                    // Going back leads here once more, perhaps somebody else by then.
                    if farewell.is_some() && !may_be_signed_in {
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
            {link(Route::Signup, "button", "Create an account")}
            {link(Route::Login, "button button-quiet", "Log in")}
        </p>
    }
}

fn welcome_back() -> Html {
    html! {
        <p class="actions">
            {link(Route::Private, "button", "Open your account")}
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
