use yew::prelude::*;

use super::use_page_title;

/// What is shown while the server has not answered: nothing of the page to come.
#[component]
pub fn Waiting() -> Html {
    use_page_title("One moment");
    html! {
        <div class="waiting" aria-busy="true">
            <p role="status">{"One moment…"}</p>
        </div>
    }
}
