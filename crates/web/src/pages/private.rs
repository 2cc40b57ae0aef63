use yew::prelude::*;
use yew_router::hooks::use_navigator;
use yew_session::User;

use crate::components::{Link, LocalDate, loading_page, use_page_title};
use crate::mail::Mail;
use crate::routes::Route;

/// Properties of [`Private`].
#[derive(Properties, PartialEq)]
pub struct PrivateProps {
    /// The signed-in user.
    pub user: User,
    /// The mail setting of the server.
    pub mail: Mail,
}

/// The private page, which shows the user's account.
#[component]
pub fn Private(props: &PrivateProps) -> Html {
    use_page_title("Your account");
    let navigator = use_navigator();
    let User { id, email, created_at, email_verified_at, .. } = &props.user;
    let must_enrol = props.user.second_factor_enrolment_required;
    use_effect_with(must_enrol, move |must_enrol| {
        if *must_enrol && let Some(navigator) = navigator {
            navigator.replace(&Route::Settings);
        }
    });
    if must_enrol {
        // The settings page says why it is shown.
        return loading_page();
    }
    html! {
        <article class="page">
            <h1 tabindex="-1">{"Your account"}</h1>
            <p class="lead">{"You are signed in. Only you can see this page."}</p>
            if email_verified_at.is_none() && props.mail != Mail::Off {
                <div class="notice notice-status">
                    <p>
                        {"Your e-mail address is not confirmed. "}
                        <Link to={Route::Verify}>{"Confirm it"}</Link>
                    </p>
                </div>
            }
            <dl class="facts">
                <div class="fact">
                    <dt>{"E-mail"}</dt>
                    <dd>{email}</dd>
                </div>
                <div class="fact">
                    <dt>{"Member since"}</dt>
                    <dd><LocalDate time={created_at.clone()} /></dd>
                </div>
                <div class="fact">
                    <dt>{"Account ID"}</dt>
                    <dd class="fact-code">{id}</dd>
                </div>
            </dl>
            <section class="aside" aria-labelledby="logging-out">
                <h2 id="logging-out">{"Log out when you are done"}</h2>
                <p>
                    {"Closing this tab does not log you out: someone could reopen it and still be \
                      signed in as you. Logging out ends your session immediately. Always log out \
                      on a shared device."}
                </p>
            </section>
        </article>
    }
}
