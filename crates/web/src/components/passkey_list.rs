use api_types::Passkey;
use yew::prelude::*;

use super::busy_button::BusyButton;
use super::notice::alert;
use super::text::text;
use super::time_ago::TimeAgo;

/// Properties of [`PasskeyList`].
#[derive(Properties, PartialEq)]
pub struct PasskeyListProps {
    /// The passkeys, oldest first.
    pub passkeys: Vec<Passkey>,
    /// The id of the passkey that is being renamed, and the form that replaces its buttons.
    pub renaming: Option<(AttrValue, Html)>,
    /// The id of the passkey that the pending request removes.
    pub removing: Option<AttrValue>,
    /// The id of the passkey that the last request failed to remove, and the text of the error.
    pub failure: Option<(AttrValue, AttrValue)>,
    /// Called with the id of a passkey to rename.
    pub onrename: Callback<AttrValue>,
    /// Called with the id of a passkey to remove.
    pub onremove: Callback<AttrValue>,
}

/// A user's passkeys.
#[component]
pub fn PasskeyList(props: &PasskeyListProps) -> Html {
    if props.passkeys.is_empty() {
        return html! { <p>{"You have no passkeys."}</p> };
    }
    html! {
        <ul class="passkeys">{for props.passkeys.iter().map(|passkey| item(props, passkey))}</ul>
    }
}

fn item(props: &PasskeyListProps, passkey: &Passkey) -> Html {
    let form = props.renaming.as_ref().filter(|(id, _)| *id == passkey.id);
    let failure = props.failure.as_ref().filter(|(id, _)| *id == passkey.id);
    html! {
        <li key={passkey.id.clone()} class="passkey">
            <div class="passkey-text">
                <p class="passkey-name" id={name_id(passkey)}>{text(passkey.name.clone())}</p>
                <p>{text(if passkey.synced { "Synced" } else { "On one device" })}</p>
                <p>{"Added "}<TimeAgo time={passkey.created_at.clone()} /></p>
                if let Some(time) = &passkey.last_used_at {
                    <p>{"Last used "}<TimeAgo time={time.clone()} /></p>
                } else {
                    <p>{"Never used"}</p>
                }
            </div>
            if let Some((_, form)) = form {
                {form.clone()}
            } else {
                {buttons(props, passkey)}
            }
            if let Some((_, text)) = failure {
                {alert(text)}
            }
        </li>
    }
}

/// Renders the buttons of a passkey. All passkeys have the same buttons, so the label of each
/// button also contains the name of its passkey.
fn buttons(props: &PasskeyListProps, passkey: &Passkey) -> Html {
    let PasskeyListProps { removing, onrename, onremove, .. } = props;
    let id = AttrValue::from(passkey.id.clone());
    html! {
        <div class="actions">
            <BusyButton
                text="Rename"
                busy_text="Rename"
                id={PasskeyList::rename_button(&passkey.id)}
                object={name_id(passkey)}
                busy=false
                disabled={removing.is_some()}
                class="button-quiet"
                onpress={onrename.reform({
                    let id = id.clone();
                    move |()| id.clone()
                })}
            />
            <BusyButton
                text="Remove"
                busy_text="Removing…"
                id={PasskeyList::remove_button(&passkey.id)}
                object={name_id(passkey)}
                busy={removing.as_ref() == Some(&id)}
                disabled={removing.is_some()}
                class="button-quiet"
                onpress={onremove.reform(move |()| id.clone())}
            />
        </div>
    }
}

fn name_id(passkey: &Passkey) -> String {
    format!("passkey-{}", passkey.id)
}

impl PasskeyList {
    /// Returns the id of the button that renames the passkey with this id.
    #[must_use]
    pub fn rename_button(id: &str) -> String {
        format!("rename-{id}")
    }

    /// Returns the id of the button that removes the passkey with this id.
    #[must_use]
    pub fn remove_button(id: &str) -> String {
        format!("remove-{id}")
    }
}
