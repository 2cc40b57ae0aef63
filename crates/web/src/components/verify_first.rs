use yew::prelude::*;

use super::link::Link;
use crate::routes::Route;

/// Renders a sentence that asks the user to verify the email address before adding a factor.
pub fn verify_first(purpose: &str) -> Html {
    html! {
        <p>
            <Link to={Route::Verify}>{"Confirm your e-mail address"}</Link>
            {format!(" before you {purpose}.")}
        </p>
    }
}
