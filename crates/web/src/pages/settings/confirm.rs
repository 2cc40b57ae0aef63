use yew::prelude::*;

use crate::browser;
use crate::components::{BusyButton, Dialog};

#[derive(Properties, PartialEq)]
pub(super) struct ConfirmDialogProps {
    pub(super) title: &'static str,
    /// What the action does.
    pub(super) text: AttrValue,
    /// The name of the action, for its button.
    pub(super) button: &'static str,
    /// The id of the button that has opened the dialog. It gets the focus back.
    pub(super) opener: AttrValue,
    /// Called when the dialog closes.
    pub(super) onclose: Callback<()>,
    /// Called when the user presses the button of the action, after `onclose`.
    pub(super) onconfirm: Callback<()>,
}

/// A dialog that asks the user to confirm an action. The section shows the progress of the action.
#[component]
pub(super) fn ConfirmDialog(props: &ConfirmDialogProps) -> Html {
    let ConfirmDialogProps { title, text, button, opener, onclose, onconfirm } = props;
    let onclose = {
        let (opener, onclose) = (opener.clone(), onclose.clone());
        Callback::from(move |()| {
            onclose.emit(());
            // Safari does not focus a button that is clicked, so it cannot return the focus to it.
            browser::focus(browser::element(&opener));
        })
    };
    let onpress = {
        let (onclose, onconfirm) = (onclose.clone(), onconfirm.clone());
        move |()| {
            onclose.emit(());
            onconfirm.emit(());
        }
    };
    html! {
        <Dialog title={*title} title_id="confirm-dialog" busy=false {onclose}>
            <p>{text}</p>
            <BusyButton
                text={*button}
                busy_text={*button}
                busy=false
                class="button-danger button-wide"
                {onpress}
            />
        </Dialog>
    }
}
