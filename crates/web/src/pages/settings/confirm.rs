use yew::prelude::*;

use crate::components::{BusyButton, Dialog};

#[derive(Properties, PartialEq)]
pub(super) struct ConfirmDialogProps {
    pub(super) title: &'static str,
    /// What the action does.
    pub(super) text: AttrValue,
    /// The name of the action, for its button.
    pub(super) button: &'static str,
    /// Called after the user has closed the dialog.
    pub(super) onclose: Callback<()>,
    /// Called when the user presses the button of the action.
    pub(super) onconfirm: Callback<()>,
}

/// A dialog that asks the user to confirm an action. The section shows the progress of the action.
#[component]
pub(super) fn ConfirmDialog(props: &ConfirmDialogProps) -> Html {
    let ConfirmDialogProps { title, text, button, onclose, onconfirm } = props;
    html! {
        <Dialog title={*title} title_id="confirm-dialog" busy=false onclose={onclose.clone()}>
            <p>{text}</p>
            <BusyButton
                text={*button}
                busy_text={*button}
                busy=false
                class="button-danger button-wide"
                onpress={onconfirm.clone()}
            />
        </Dialog>
    }
}
