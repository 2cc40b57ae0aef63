use yew::prelude::*;

use super::text::text as changing_text;
use crate::browser;

/// Properties of [`BusyButton`].
#[derive(Properties, PartialEq)]
pub struct BusyButtonProps {
    /// The text of the button.
    pub text: &'static str,
    /// The text while the request is pending.
    pub busy_text: &'static str,
    /// The id of the button.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// The id of the element that the button acts on. The text of that element becomes part of the
    /// button's accessible name.
    #[prop_or_default]
    pub object: Option<AttrValue>,
    /// `true` if the button's request is pending.
    pub busy: bool,
    /// `true` if another request is pending.
    #[prop_or_default]
    pub disabled: bool,
    /// Classes of the `button` element.
    #[prop_or_default]
    pub class: Classes,
    /// Called when the button is pressed.
    pub onpress: Callback<()>,
}

/// A button, outside of a form, that sends a request.
#[component]
pub fn BusyButton(props: &BusyButtonProps) -> Html {
    let BusyButtonProps { text, busy_text, id, object, busy, disabled, class, onpress } = props;
    let labelled_by = id.as_ref().zip(object.as_ref());
    let button = use_node_ref();
    let was_busy = use_mut_ref(|| false);
    use_effect_with(*busy, {
        let button = button.clone();
        move |busy| {
            // The button lost the focus when it was disabled.
            let was_busy = was_busy.replace(*busy);
            if was_busy && !busy && browser::has_lost_focus() {
                browser::focus(button.cast());
            }
        }
    });
    html! {
        <button
            type="button"
            class={classes!("button", class.clone())}
            disabled={*busy || *disabled}
            aria-busy={busy.then_some("true")}
            id={id.clone()}
            aria-labelledby={labelled_by.map(|(button, object)| format!("{button} {object}"))}
            onclick={pressed(onpress.clone())}
            onkeydown={|key: KeyboardEvent| ignore_held_enter(&key)}
            ref={button}
        >
            {changing_text(if *busy { *busy_text } else { *text })}
        </button>
    }
}

/// Returns a handler that calls `onpress` for a click, but not for the second click of a double
/// click.
pub fn pressed(onpress: impl Into<Callback<()>>) -> Callback<MouseEvent> {
    let onpress = onpress.into();
    Callback::from(move |click: MouseEvent| {
        if !browser::is_repeated_click(&click) {
            onpress.emit(());
        }
    })
}

/// Keeps a held Enter key from pressing the button repeatedly.
pub(super) fn ignore_held_enter(key: &KeyboardEvent) {
    if browser::is_held_enter(key) {
        key.prevent_default();
    }
}
