use yew::prelude::*;

use crate::components::{Link, use_page_title};
use crate::routes::Route;

/// The page that replaces the sign-up page where visitors cannot create accounts.
#[component]
pub fn SignupOff() -> Html {
    use_page_title("Sign up");
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{"Sign-up is closed"}</h1>
            <p class="lead">
                {"You cannot create an account here yourself. Ask the administrator of this site \
                  for one. If you have an invitation, open its link again."}
            </p>
            <p><Link to={Route::Login} class="button">{"Log in"}</Link></p>
        </article>
    }
}
