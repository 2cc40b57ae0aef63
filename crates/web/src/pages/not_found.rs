use yew::prelude::*;

use crate::components::{AppLink, use_page_title};
use crate::route::Route;

/// For every address that is none.
#[component]
pub fn NotFoundPage() -> Html {
    use_page_title("Page not found");
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{"There is no door here"}</h1>
            <p class="lead">
                {"The address may be mistyped, or the page has moved. Nothing is lost."}
            </p>
            <p><AppLink to={Route::Home} class="button">{"Go to the front page"}</AppLink></p>
        </article>
    }
}
