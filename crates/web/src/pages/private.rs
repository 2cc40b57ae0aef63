use api_types::User;
use yew::prelude::*;

use crate::components::{LocalDate, use_page_title};

/// Properties of [`Private`].
#[derive(Properties, PartialEq)]
pub struct PrivateProps {
    /// The owner of the page.
    pub user: User,
}

/// The private page, which shows its owner's account.
#[component]
pub fn Private(props: &PrivateProps) -> Html {
    use_page_title("Your account");
    let User { id, email, created_at } = &props.user;
    html! {
        <article class="page">
            <h1 tabindex="-1">{"Your account"}</h1>
            <p class="lead">{"You are in. Only you can see this page."}</p>
            <dl class="facts">
                <div class="fact">
                    <dt>{"E-mail"}</dt>
                    <dd class="fact-long">{email}</dd>
                </div>
                <div class="fact">
                    <dt>{"Member since"}</dt>
                    <dd><LocalDate time={created_at.clone()} /></dd>
                </div>
                <div class="fact">
                    <dt>{"Account ID"}</dt>
                    <dd class="fact-long fact-code">{id}</dd>
                </div>
            </dl>
            <section class="aside" aria-labelledby="leaving">
                <h2 id="leaving">{"When you leave"}</h2>
                <p>
                    {"Close this tab and your key to this page is gone, unless you chose to stay \
                      signed in. Logging out ends the session on the server at once: do it when \
                      the computer is not yours."}
                </p>
            </section>
        </article>
    }
}
