use yew::prelude::*;

use super::busy_button::pressed;

/// Renders a button that changes what the page shows, and sends no request.
pub fn quiet_button(text: &'static str, onpress: Callback<()>) -> Html {
    html! {
        <p>
            <button type="button" class="button button-quiet" onclick={pressed(onpress)}>
                {text}
            </button>
        </p>
    }
}
