use yew::prelude::*;

use super::{Alert, use_page_title};
use crate::browser;

/// Properties of [`Trouble`].
#[derive(Properties, PartialEq)]
pub struct TroubleProps {
    /// What could not be done.
    pub title: &'static str,
    /// Why not.
    pub text: AttrValue,
    /// The user wants another try.
    pub onretry: Callback<()>,
}

/// Stands in for a page that needs the server's word, while there is none to be had.
#[component]
pub fn Trouble(props: &TroubleProps) -> Html {
    use_page_title(props.title);
    let onclick = props.onretry.reform(|_| {
        // The button goes when the waiting begins; the focus should not go with it.
        browser::focus_main();
    });
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{props.title}</h1>
            <Alert><p>{&props.text}</p></Alert>
            <p>{"You have not been logged out."}</p>
            <p><button type="button" class="button" {onclick}>{"Try again"}</button></p>
        </article>
    }
}
