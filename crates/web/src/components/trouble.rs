use yew::prelude::*;

use super::{PageTitle, alert};
use crate::browser;

/// Stands in for a page that could not be shown, and tells why. `onretry` is another try.
pub fn trouble(title: &'static str, why: Html, onretry: &Callback<()>) -> Html {
    let onclick = onretry.reform(|_| {
        // The button goes when the waiting begins; the focus should not go with it.
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
