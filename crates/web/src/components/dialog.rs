use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::busy_button::pressed;
use crate::browser;

/// Properties of [`Dialog`].
#[derive(Properties, PartialEq)]
pub struct DialogProps {
    /// The heading, which names the dialog.
    pub title: &'static str,
    /// The id of the heading.
    pub title_id: &'static str,
    /// `true` if a request is pending. The dialog then stays open.
    pub busy: bool,
    /// Called after the user has closed the dialog, which must then be removed.
    pub onclose: Callback<()>,
    /// The content above the button `Cancel`.
    pub children: Html,
}

/// A modal dialog, which is open while it is mounted.
///
/// The heading has the focus first. If it were on a control, such as a password field that the
/// browser has filled in, a second press of Enter would confirm the dialog before the user reads
/// it.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let DialogProps { title, title_id, busy, onclose, children } = props;
    let dialog = use_node_ref();
    let heading = use_node_ref();
    use_effect_with((), {
        let (dialog, heading) = (dialog.clone(), heading.clone());
        move |()| open(&dialog, &heading)
    });
    let oncancel = {
        let busy = *busy;
        move |event: Event| {
            if busy {
                event.prevent_default();
            }
        }
    };
    // Browsers close the dialog at the second press of Escape, even if both are prevented.
    let onclosed = {
        let (busy, onclose) = (*busy, onclose.clone());
        let (dialog, heading) = (dialog.clone(), heading.clone());
        move |_| if busy { open(&dialog, &heading) } else { onclose.emit(()) }
    };
    let cancel = {
        let onclose = onclose.clone();
        let dialog = dialog.clone();
        move |()| match dialog.cast::<HtmlDialogElement>() {
            // The browser then sends the event `close`.
            Some(dialog) if dialog.open() => dialog.close(),
            _ => onclose.emit(()),
        }
    };
    html! {
        <dialog
            class="dialog"
            aria-labelledby={*title_id}
            {oncancel}
            onclose={onclosed}
            ref={dialog}
        >
            <div class="dialog-content">
                <h2 id={*title_id} tabindex="-1" ref={heading}>{title}</h2>
                {children.clone()}
                <button
                    type="button"
                    class="button button-quiet button-wide"
                    disabled={*busy}
                    onclick={pressed(cancel)}
                >
                    {"Cancel"}
                </button>
            </div>
        </dialog>
    }
}

/// Opens the dialog and moves the focus to its heading.
fn open(dialog: &NodeRef, heading: &NodeRef) {
    if let Some(dialog) = dialog.cast::<HtmlDialogElement>() {
        // This fails only for a dialog that is open already.
        let _ = dialog.show_modal();
    }
    browser::focus(heading.cast());
}
