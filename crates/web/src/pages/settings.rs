mod activity;
mod deletion;
mod export;
mod listing;
mod password;
mod sessions;

use api_types::User;
use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::components::use_page_title;
use activity::ActivitySection;
use deletion::DeletionSection;
use export::ExportSection;
use password::PasswordSection;
use sessions::SessionsSection;

/// Properties of [`SettingsPage`].
#[derive(Properties, PartialEq)]
pub struct SettingsPageProps {
    /// Whose settings they are, as the server has it.
    pub user: User,
    /// What a new password must satisfy.
    pub policy: PasswordPolicy,
}

/// What the owner of an account can do about it.
#[component]
pub fn SettingsPage(props: &SettingsPageProps) -> Html {
    use_page_title("Settings");
    let SettingsPageProps { user, policy } = props;
    let email = AttrValue::from(user.email.clone());
    // A new password ends sessions, and the list should not show them any longer.
    let changes = use_state(|| 0_u32);
    let endings = use_state(|| 0_u32);
    let count = |counter: &UseStateHandle<u32>| {
        let counter = counter.clone();
        move |()| counter.set(counter.wrapping_add(1))
    };
    let (onchanged, onended) = (count(&changes), count(&endings));
    html! {
        <article class="page">
            <h1 tabindex="-1">{"Settings"}</h1>
            <PasswordSection email={email.clone()} policy={*policy} {onchanged} />
            <SessionsSection version={*changes} {onended} />
            <ActivitySection version={changes.wrapping_add(*endings)} />
            <ExportSection />
            <DeletionSection {email} policy={*policy} />
        </article>
    }
}

/// Tells a password manager whose password is typed in a form that does not ask for it.
fn account_of_form(email: &AttrValue) -> Html {
    html! {
        <input type="text" autocomplete="username" value={email.clone()} readonly=true hidden=true />
    }
}
