use yew::prelude::*;

use super::busy_button::pressed;
use super::progress::Progress;

/// Renders a button that changes what the page shows, and sends no request. It is disabled while
/// the page waits for the response to `request`.
pub fn quiet_button(text: &'static str, request: &Progress, onpress: Callback<()>) -> Html {
    html! {
        <p>
            <button
                type="button"
                class="button button-quiet"
                disabled={request.busy}
                onclick={pressed(onpress)}
            >
                {text}
            </button>
        </p>
    }
}
