mod activity;
mod confirm;
mod deletion;
mod email;
mod export;
mod factors;
mod passkeys;
mod password;
mod remote_list;
mod sessions;
mod two_step;

use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::components::use_page_title;
use crate::mail::Mail;
use crate::webauthn::Passkeys;
use activity::ActivitySection;
use deletion::DeletionSection;
use email::EmailSection;
use export::ExportSection;
use factors::use_factors;
use passkeys::PasskeysSection;
use password::PasswordSection;
use sessions::SessionsSection;
use two_step::TwoStepSection;
use yew_session::User;

/// Properties of [`Settings`].
#[derive(Properties, PartialEq)]
pub struct SettingsProps {
    /// The owner of the account.
    pub user: User,
    /// The rules for a new password.
    pub policy: PasswordPolicy,
    /// The mail setting of the server.
    pub mail: Mail,
    /// The support for passkeys on this page.
    pub passkeys: Passkeys,
}

/// The settings page, where users manage their account.
#[component]
pub fn Settings(props: &SettingsProps) -> Html {
    use_page_title("Settings");
    let SettingsProps { user, policy, mail, passkeys } = props;
    let email = AttrValue::from(user.email.clone());
    // A change of the password, the email address or the second factor affects the sessions and the
    // activity, and ending a session affects the activity. These counters make the lists reload.
    let changed = use_state(|| 0_u32);
    let ended = use_state(|| 0_u32);
    let increment = |counter: &UseStateHandle<u32>| {
        let counter = counter.clone();
        Callback::from(move |()| counter.set(counter.wrapping_add(1)))
    };
    let (onchanged, onended) = (increment(&changed), increment(&ended));
    let factors = use_factors(two_step::HEADING, user, *mail, onchanged.clone());
    // Until such a user has a second factor, the server rejects everything else.
    let is_restricted = user.second_factor_enrolment_required;
    html! {
        <article class="page">
            <h1 tabindex="-1">{"Settings"}</h1>
            if is_restricted {
                <div class="notice notice-alert">
                    <p>
                        {"The administrator of this site requires two-step log-in. Turn it on with \
                          an app or a passkey. Then you can use the rest of the site."}
                    </p>
                </div>
            }
            if *mail != Mail::Off && !is_restricted {
                <EmailSection user={user.clone()} policy={*policy} onchanged={onchanged.clone()} />
            }
            if !is_restricted {
                <PasswordSection email={email.clone()} policy={*policy} {onchanged} />
            }
            <TwoStepSection email={email.clone()} state={factors.clone()} />
            <PasskeysSection state={factors} passkeys={*passkeys} />
            if !is_restricted {
                <SessionsSection version={*changed} {onended} />
                <ActivitySection version={changed.wrapping_add(*ended)} />
                <ExportSection />
            }
            <DeletionSection {email} policy={*policy} />
        </article>
    }
}
