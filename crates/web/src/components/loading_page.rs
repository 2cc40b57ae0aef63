use yew::prelude::*;

use super::page_title::PageTitle;

/// Renders the waiting state, which shows nothing of the page to come.
pub fn loading_page() -> Html {
    html! {
        <div class="waiting" aria-busy="true">
            <PageTitle title="One moment" />
            <p role="status">{"One moment…"}</p>
        </div>
    }
}
