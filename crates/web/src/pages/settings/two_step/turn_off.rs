use yew::prelude::*;

use crate::components::{BusyButton, Dialog};

#[derive(Properties, PartialEq)]
pub(super) struct TurnOffDialogProps {
    /// Called after the user has closed the dialog.
    pub(super) onclose: Callback<()>,
    /// Called when the user confirms that the second factor is to be turned off.
    pub(super) onconfirm: Callback<()>,
}

#[component]
pub(super) fn TurnOffDialog(props: &TurnOffDialogProps) -> Html {
    let TurnOffDialogProps { onclose, onconfirm } = props;
    html! {
        <Dialog
            title="Turn off two-step log-in?"
            title_id="turn-off-dialog"
            busy=false
            onclose={onclose.clone()}
        >
            <p>
                {"Afterwards, your password alone is enough to log in. This removes your app and \
                  your recovery codes, and ends all other sessions. You keep your passkeys."}
            </p>
            <BusyButton
                text="Turn off"
                busy_text="Turning off…"
                busy=false
                class="button-danger button-wide"
                onpress={onconfirm.clone()}
            />
        </Dialog>
    }
}
