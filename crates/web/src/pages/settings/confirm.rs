use yew::prelude::*;

use crate::components::{BusyButton, Dialog};

#[derive(Properties, PartialEq)]
pub(super) struct ConfirmDialogProps {
    pub(super) title: &'static str,
    /// What happens if the user confirms.
    pub(super) text: AttrValue,
    /// The text of the button that confirms.
    pub(super) button: &'static str,
    /// Called after the user has closed the dialog.
    pub(super) onclose: Callback<()>,
    /// Called when the user confirms.
    pub(super) onconfirm: Callback<()>,
}

/// A dialog that asks whether an action is intended. The section shows its progress.
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
