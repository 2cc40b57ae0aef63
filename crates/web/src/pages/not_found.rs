use yew::prelude::*;

use crate::components::{Link, use_page_title};
use crate::routes::Route;

/// The 404 page.
#[component]
pub fn NotFound() -> Html {
    use_page_title("Page not found");
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{"Page not found"}</h1>
            <p class="lead">{"This page does not exist or has moved. Check the address."}</p>
            <p><Link to={Route::Home} class="button">{"Go to the home page"}</Link></p>
        </article>
    }
}
