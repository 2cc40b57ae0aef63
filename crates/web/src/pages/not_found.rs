use yew::prelude::*;

use crate::components::{PageTitle, link};
use crate::route::Route;

/// For every address that is none.
pub(crate) fn not_found_page() -> Html {
    html! {
        <article class="page page-narrow">
            <PageTitle title="Page not found" />
            <h1 tabindex="-1">{"There is no door here"}</h1>
            <p class="lead">
                {"The address may be mistyped, or the page has moved. Nothing is lost."}
            </p>
            <p>{link(Route::Home, "button", "Go to the front page")}</p>
        </article>
    }
}
