use yew::prelude::*;

use super::page_title::PageTitle;

/// Renders the waiting state, which shows no part of the page that is loading.
pub fn loading_page() -> Html {
    html! {
        <div class="waiting" aria-busy="true">
            <PageTitle title="Loading" />
            <p role="status">{"Loading…"}</p>
        </div>
    }
}
