use api_types::RecoveryCodes;
use yew::prelude::*;

use super::busy_button::pressed;
use super::copy::use_copy;
use super::notice::{alert, status};
use crate::{download, format};

/// The name of the downloaded file.
const FILE: &str = "recovery-codes.txt";

/// Properties of [`RecoveryCodeList`].
#[derive(Properties, PartialEq)]
pub struct RecoveryCodeListProps {
    /// The new recovery codes.
    pub codes: RecoveryCodes,
    /// The email address of the account.
    pub email: AttrValue,
    /// Called when the user has saved the codes.
    pub onsaved: Callback<()>,
}

/// New recovery codes, which are shown only once.
#[component]
pub fn RecoveryCodeList(props: &RecoveryCodeListProps) -> Html {
    let codes = &props.codes.recovery_codes;
    let (oncopy, copied) = use_copy(codes.join("\n"));
    let is_saved = use_state(|| None);
    let ondownload = {
        let (is_saved, file) = (is_saved.setter(), format::recovery_codes(&props.email, codes));
        move |()| is_saved.set(Some(download::save(FILE, "text/plain", &file).is_ok()))
    };
    let started = (*is_saved == Some(true)).then(|| format!("Download started: {FILE}").into());
    html! {
        <>
            <h3 id={RecoveryCodeList::HEADING} tabindex="-1">{"Save your recovery codes"}</h3>
            <p>
                {"If you lose your app and your passkeys, you can log in with one of these codes \
                  instead. Each code works once. Keep them in a safe place, for example in a \
                  password manager."}
            </p>
            <p>
                <strong>
                    {"The codes are shown only once. If you reload or leave this page, you cannot see \
                      them again."}
                </strong>
            </p>
            <ul class="codes">
                {for codes.iter().map(|code| html! { <li class="code-text">{code}</li> })}
            </ul>
            <div class="actions">
                <button type="button" class="button button-quiet" onclick={pressed(ondownload)}>
                    {"Download"}
                </button>
                <button type="button" class="button button-quiet" onclick={pressed(oncopy)}>
                    {"Copy"}
                </button>
                <button
                    type="button"
                    class="button"
                    onclick={pressed(props.onsaved.clone())}
                >
                    {"I have saved them"}
                </button>
            </div>
            {copied}
            {status(started)}
            if *is_saved == Some(false) {
                {alert(download::BLOCKED)}
            }
        </>
    }
}

impl RecoveryCodeList {
    /// The id of the heading.
    pub const HEADING: &'static str = "recovery-codes";
}
