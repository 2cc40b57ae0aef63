use yew::prelude::*;

use super::busy_button::BusyButton;
use super::notice::alert;
use super::progress::Progress;

/// Renders a button that requests a mail once more, and the error of the last request.
pub fn send_again(text: &'static str, progress: &Progress, onpress: Callback<()>) -> Html {
    html! {
        <>
            if let Some(failure) = &progress.failure.form {
                {alert(failure)}
            }
            <p>
                <BusyButton
                    {text}
                    busy_text="Sending…"
                    busy={progress.busy}
                    class="button-quiet"
                    {onpress}
                />
            </p>
        </>
    }
}
