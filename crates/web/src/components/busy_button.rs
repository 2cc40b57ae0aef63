use yew::prelude::*;

use crate::browser;

/// Properties of [`BusyButton`].
#[derive(Properties, PartialEq)]
pub struct BusyButtonProps {
    /// What it reads.
    pub text: &'static str,
    /// What it reads while the server is asked.
    pub busy_text: &'static str,
    /// Its id in the document.
    #[prop_or_default]
    pub id: Option<AttrValue>,
    /// The id of what it does something to: it is called after that too, for those who do not
    /// see what is around it.
    #[prop_or_default]
    pub object: Option<AttrValue>,
    /// Whether the server is asked because of it.
    pub busy: bool,
    /// Whether something else has to be waited for.
    #[prop_or_default]
    pub disabled: bool,
    /// Classes of the `button` element.
    #[prop_or_default]
    pub class: Classes,
    /// It was pressed.
    pub onpress: Callback<()>,
}

/// A button outside of a form that asks the server for something.
#[component]
pub fn BusyButton(props: &BusyButtonProps) -> Html {
    let BusyButtonProps { text, busy_text, id, object, busy, disabled, class, onpress } = props;
    let labelled_by = id.as_ref().zip(object.as_ref());
    let button = use_node_ref();
    let was_busy = use_mut_ref(|| false);
    use_effect_with(*busy, {
        let button = button.clone();
        move |busy| {
            // What is disabled has no focus, and nobody should have to look for it.
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
            aria-labelledby={labelled_by.map(|(own, object)| format!("{own} {object}"))}
            onclick={pressed(onpress.clone())}
            onkeydown={|key: KeyboardEvent| spare_held_enter(&key)}
            ref={button}
        >
            {if *busy { busy_text } else { text }}
        </button>
    }
}

/// What a press of a button does, which the second click of a double click is not.
pub(super) fn pressed(onpress: Callback<()>) -> Callback<MouseEvent> {
    Callback::from(move |click: MouseEvent| {
        if !browser::is_repeated(&click) {
            onpress.emit(());
        }
    })
}

/// Keeps a key that is held from pressing again and again.
pub(super) fn spare_held_enter(key: &KeyboardEvent) {
    if browser::is_held_enter(key) {
        key.prevent_default();
    }
}
