use yew::prelude::*;
use yew_router::hooks::use_location;
use yew_session::use_session;

use crate::components::{Link, door, status, use_page_title};
use crate::routes::{AccountDeleted, Route};
use crate::sign_up::SignUp;
use crate::site::site;

/// Properties of [`Home`].
#[derive(Properties, PartialEq)]
pub struct HomeProps {
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
}

/// The public home page.
#[component]
pub fn Home(props: &HomeProps) -> Html {
    use_page_title("A private page, just for you");
    let name = site().name;
    let may_be_signed_in = use_session().may_be_signed_in();
    let account_deleted = use_location().and_then(|location| location.state::<AccountDeleted>());
    html! {
        <article class="home">
            <div class="hero">
                <div class="hero-text">
                    <h1 tabindex="-1">{"A private page, just for you"}</h1>
                    // A user who logs in and goes back to this history entry gets the same state,
                    // but must not see the message again.
                    if account_deleted.is_some() && !may_be_signed_in {
                        {status(Some("Your account has been deleted.".into()))}
                    }
                    <p class="lead">
                        {format!(
                            "{name} gives you one page that only you can see, protected by your \
                             password."
                        )}
                    </p>
                    {match (may_be_signed_in, props.sign_up) {
                        (true, _) => signed_in_actions(),
                        (false, SignUp::On) => sign_up_actions(),
                        (false, SignUp::Off) => log_in_action(),
                    }}
                </div>
                {door()}
            </div>
            <ul class="features">
                {feature("Your password stays secret", format!("{name} never stores your \
                    password, only a one-way hash of it. Use any characters, including spaces and \
                    emoji."))}
                {feature("Checked on every visit", "Your page is shown only after the server has \
                    checked your session.")}
                {feature("Immediate log-out", "Logging out ends your session on the server, not \
                    only in your browser.")}
            </ul>
        </article>
    }
}

// The keys make Yew replace the links. If it changed their texts in place, the change would not be
// visible on a page that the browser has translated.

fn sign_up_actions() -> Html {
    html! {
        <p key="sign-up" class="actions">
            <Link to={Route::Signup} class="button">{"Create an account"}</Link>
            <Link to={Route::Login} class="button button-quiet">{"Log in"}</Link>
        </p>
    }
}

fn log_in_action() -> Html {
    html! {
        <p key="log-in" class="actions">
            <Link to={Route::Login} class="button">{"Log in"}</Link>
        </p>
    }
}

fn signed_in_actions() -> Html {
    html! {
        <p key="signed-in" class="actions">
            <Link to={Route::Private} class="button">{"Go to your account"}</Link>
        </p>
    }
}

fn feature(title: &'static str, text: impl Into<AttrValue>) -> Html {
    let text = text.into();
    html! {
        <li class="feature">
            <h2>{title}</h2>
            <p>{text}</p>
        </li>
    }
}
