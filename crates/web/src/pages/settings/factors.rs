//! The state that the sections *Two-step log-in* and *Passkeys* share.

use api_types::{Factors, PendingTotp, RecoveryCodes};
use yew::prelude::*;
use yew_session::{ApiError, SessionHandle, User, use_session};

use super::remote_list::{RemoteList, use_remote_list};
use crate::api;
use crate::components::Failure;
use crate::mail::Mail;
use crate::messages::describe;
use crate::webauthn;

/// Loads the second factors and passkeys. `heading` is the id of the heading of the first section.
/// `onchanged` is called after they have changed.
#[hook]
pub(super) fn use_factors(
    heading: &'static str,
    user: &User,
    mail: Mail,
    onchanged: Callback<()>,
) -> FactorsState {
    let session = use_session();
    let (list, retry) =
        use_remote_list(heading, 0, async move || session.authorized(api::factors()).await);
    let view = use_state(|| View::Overview);
    let message = use_state(|| None);
    let accepted = match &*list {
        RemoteList::Loaded(factors) => Some(credential_ids(factors)),
        RemoteList::Loading | RemoteList::Failed(_) => None,
    };
    use_effect_with((user.id.clone(), accepted), |(user, accepted)| {
        if let Some(ids) = accepted {
            let handle = webauthn::user_handle(user);
            webauthn::signal_all_accepted(&webauthn::rp_id(), &handle, ids);
        }
    });
    let unverified = mail != Mail::Off && user.email_verified_at.is_none();
    FactorsState { list, retry, view, message, unverified, onchanged }
}

/// The state that the sections show and change.
#[derive(Clone, PartialEq)]
pub(super) struct FactorsState {
    pub(super) list: UseStateHandle<RemoteList<Factors>>,
    /// Loads the list again after a failure.
    pub(super) retry: Callback<()>,
    pub(super) view: UseStateHandle<View>,
    /// The message in the section *Two-step log-in*.
    pub(super) message: UseStateHandle<Option<&'static str>>,
    /// `true` if the user must verify the email address before adding a factor.
    pub(super) unverified: bool,
    pub(super) onchanged: Callback<()>,
}

/// The content of the section *Two-step log-in*.
#[derive(Clone, PartialEq)]
pub(super) enum View {
    /// The state of the second factor.
    Overview,
    /// The app that is being set up.
    SetUp(PendingTotp),
    /// New recovery codes.
    Codes(RecoveryCodes),
}

impl FactorsState {
    /// Shows new recovery codes, or the overview if there are none.
    pub(super) fn show_codes(&self, codes: RecoveryCodes, message: &'static str) {
        let has_codes = !codes.recovery_codes.is_empty();
        self.view.set(if has_codes { View::Codes(codes) } else { View::Overview });
        self.message.set(Some(message));
    }

    /// Loads the factors again after a change.
    pub(super) async fn changed(&self, session: &SessionHandle) {
        self.list.set(session.authorized(api::factors()).await.into());
        self.onchanged.emit(());
        // The restrictions on a user without a second factor may have ended.
        session.verify();
    }
}

fn credential_ids(factors: &Factors) -> Vec<String> {
    factors.passkeys.iter().map(|passkey| passkey.credential_id.clone()).collect()
}

/// Builds the failure of a button.
pub(super) fn failure(error: &ApiError) -> Failure {
    Failure::from_form(describe(error))
}
