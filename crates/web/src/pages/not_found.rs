use yew::prelude::*;

use crate::components::{Link, use_page_title};
use crate::routes::Route;

/// The page of every path that is no other page's.
#[component]
pub fn NotFound() -> Html {
    use_page_title("Page not found");
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{"There is no door here"}</h1>
            <p class="lead">
                {"The address may be mistyped, or the page has moved. Nothing is lost."}
            </p>
            <p><Link to={Route::Home} class="button">{"Go to the front page"}</Link></p>
        </article>
    }
}
