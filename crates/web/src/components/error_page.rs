use yew::prelude::*;

use super::notice::alert;
use super::page_title::PageTitle;
use crate::browser;

/// Renders the replacement of a page that could not be shown, with the reason and a button to try
/// again.
pub fn error_page(title: &'static str, why: Html, onretry: &Callback<()>) -> Html {
    let onclick = onretry.reform(|_| {
        // The button disappears while waiting, and the focus should not.
        browser::focus_main();
    });
    html! {
        <article class="page page-narrow">
            <PageTitle {title} />
            <h1 tabindex="-1">{title}</h1>
            {alert(html! { <p>{why}</p> })}
            <p><button type="button" class="button" {onclick}>{"Try again"}</button></p>
        </article>
    }
}
