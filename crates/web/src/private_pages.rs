//! The pages behind a log-in, in a module of WebAssembly of their own: who does not log in
//! does not download them.

use api_types::User;
use auth_core::PasswordPolicy;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::prelude::*;

use crate::pages::{AccountPage, SettingsPage};

/// What shows the pages, once it is here.
#[derive(Clone, Copy)]
pub(crate) struct PrivatePages {
    account: fn(User) -> Html,
    settings: fn(User, PasswordPolicy) -> Html,
}

/// They could not be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

impl PrivatePages {
    pub(crate) fn account(self, user: User) -> Html {
        (self.account)(user)
    }

    pub(crate) fn settings(self, user: User, policy: PasswordPolicy) -> Html {
        (self.settings)(user, policy)
    }
}

/// Downloads the pages, unless they are here. What has failed can be tried again.
pub(crate) async fn load() -> Result<PrivatePages, NotLoaded> {
    private_pages().await
}

// The module is cut here: what nothing but this function leads to becomes the other one.
#[wasm_split(private, fallible)]
fn private_pages() -> Result<PrivatePages, NotLoaded> {
    Ok(PrivatePages {
        account: |user| html! { <AccountPage {user} /> },
        settings: |user, policy| html! { <SettingsPage {user} {policy} /> },
    })
}
