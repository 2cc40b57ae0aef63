use yew::prelude::*;

use super::notice::alert;
use super::page_title::PageTitle;
use crate::browser;

/// Renders an error in place of a page, with a button to try again.
pub fn error_page(title: &'static str, text: Html, onretry: &Callback<()>) -> Html {
    let onclick = onretry.reform(|_| {
        // The button is removed while the page is loading, which would lose the focus.
        browser::focus_main();
    });
    html! {
        <article class="page page-narrow">
            <PageTitle {title} />
            <h1 tabindex="-1">{title}</h1>
            {alert(html! { <p>{text}</p> })}
            <p><button type="button" class="button" {onclick}>{"Try again"}</button></p>
        </article>
    }
}
