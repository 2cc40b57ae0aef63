mod activity;
mod deletion;
mod email;
mod export;
mod password;
mod remote_list;
mod sessions;

use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::components::use_page_title;
use crate::mail::Mail;
use crate::session::User;
use activity::ActivitySection;
use deletion::DeletionSection;
use email::EmailSection;
use export::ExportSection;
use password::PasswordSection;
use sessions::SessionsSection;

/// Properties of [`Settings`].
#[derive(Properties, PartialEq)]
pub struct SettingsProps {
    /// The owner of the account.
    pub user: User,
    /// The rules for a new password.
    pub policy: PasswordPolicy,
    /// The mail setting of the server.
    pub mail: Mail,
}

/// The settings page, where users manage their account.
#[component]
pub fn Settings(props: &SettingsProps) -> Html {
    use_page_title("Settings");
    let SettingsProps { user, policy, mail } = props;
    let email = AttrValue::from(user.email.clone());
    // A change of the password or the email address affects the sessions and the activity, and ending
    // a session affects the activity. These counters make the lists reload.
    let changed = use_state(|| 0_u32);
    let ended = use_state(|| 0_u32);
    let increment = |counter: &UseStateHandle<u32>| {
        let counter = counter.clone();
        move |()| counter.set(counter.wrapping_add(1))
    };
    let (onchanged, onended) = (increment(&changed), increment(&ended));
    html! {
        <article class="page">
            <h1 tabindex="-1">{"Settings"}</h1>
            if *mail != Mail::Off {
                <EmailSection user={user.clone()} policy={*policy} onchanged={onchanged.clone()} />
            }
            <PasswordSection email={email.clone()} policy={*policy} {onchanged} />
            <SessionsSection version={*changed} {onended} />
            <ActivitySection version={changed.wrapping_add(*ended)} />
            <ExportSection />
            <DeletionSection {email} policy={*policy} />
        </article>
    }
}
