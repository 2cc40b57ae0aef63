//! What is in front of the pages that depend on the session.

use api_types::User;
use yew::prelude::*;

use crate::api::ApiError;
use crate::components::{trouble, waiting};
use crate::messages::describe;
use crate::navigation;
use crate::route::Route;
use crate::session::{Session, SessionHandle, use_session};

#[derive(Properties, PartialEq)]
pub(crate) struct PrivateOnlyProps {
    pub(crate) render: Callback<User, Html>,
}

/// Shows a private page to its owner, once the server has confirmed the session since the
/// page was entered: what it said before may be over.
#[component]
pub(crate) fn PrivateOnly(props: &PrivateOnlyProps) -> Html {
    let session = use_session();
    let is_signed_out = *session.session() == Session::SignedOut;
    let confirmations_at_entry = use_state(|| session.confirmations());
    use_effect_with((), {
        let session = session.clone();
        move |()| session.check()
    });
    use_effect_with(is_signed_out, {
        let session = session.clone();
        move |is_signed_out| {
            if *is_signed_out {
                navigation::replace_with_detour_to_login(session.take_loss());
            }
        }
    });
    match session.session() {
        Session::SignedIn(user) if session.confirmations() != *confirmations_at_entry => {
            props.render.emit(user.clone())
        }
        Session::Unconfirmed(error) => unconfirmed(error, &session),
        _ => waiting(),
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct SignedOutOnlyProps {
    pub(crate) render: Callback<(), Html>,
}

/// Shows a page that nobody needs who is signed in.
#[component]
pub(crate) fn SignedOutOnly(props: &SignedOutOnlyProps) -> Html {
    let session = use_session();
    // Another tab may have signed the browser in since.
    use_effect_with((), {
        let session = session.clone();
        move |()| session.look_again()
    });
    use_effect_with(matches!(session.session(), Session::SignedIn(_)), |is_signed_in| {
        if *is_signed_in {
            navigation::replace(Route::Private);
        }
    });
    match session.session() {
        Session::SignedOut => props.render.emit(()),
        Session::Unconfirmed(error) => unconfirmed(error, &session),
        _ => waiting(),
    }
}

fn unconfirmed(error: &ApiError, session: &SessionHandle) -> Html {
    let session = session.clone();
    let retry = Callback::from(move |()| session.ask());
    let why = html! { <>{describe(error)}{" You have not been logged out."}</> };
    trouble("Your session could not be checked", why, &retry)
}
