//! Guards, which show a page only to signed-in or only to signed-out users.

use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator};
use yew_session::{ApiError, Session, SessionEndReason, SessionHandle, User, use_session};

use crate::components::{ErrorPage, loading_page};
use crate::messages::describe;
use crate::routes::{LoginNotice, MailLink, Route, leave_for_signed_in, redirect_to_login};

#[derive(Properties, PartialEq)]
pub(crate) struct PrivateOnlyProps {
    pub(crate) render: Callback<User, Html>,
}

/// Shows a private page once the server has confirmed the session. A confirmation from before the
/// navigation does not count, because it may be out of date.
#[component]
pub(crate) fn PrivateOnly(props: &PrivateOnlyProps) -> Html {
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let confirmations_at_entry = use_state(|| session.confirmations());
    use_effect_with((), {
        let session = session.clone();
        move |()| session.check()
    });
    use_effect_with(*session.session() == Session::SignedOut, {
        let session = session.clone();
        move |is_signed_out| {
            if *is_signed_out && let (Some(navigator), Some(location)) = (navigator, location) {
                redirect_to_login(&navigator, &location, session.take_end_reason().map(notice));
            }
        }
    });
    match session.session() {
        Session::SignedIn(user) if session.confirmations() != *confirmations_at_entry => {
            props.render.emit(user.clone())
        }
        Session::Unconfirmed(error) => unconfirmed(error, &session),
        _ => loading_page(),
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct SignedOutOnlyProps {
    pub(crate) render: Callback<(), Html>,
}

/// Shows a page to signed-out users only. Signed-in users are redirected to the private page, or to
/// a page of the app. If the app does not accept their session, they can log in again.
#[component]
pub(crate) fn SignedOutOnly(props: &SignedOutOnlyProps) -> Html {
    let session = use_session();
    let navigator = use_navigator();
    let location = use_location();
    let is_sent_back = use_state(|| false);
    // The user may have signed in from another tab since the last check.
    use_effect_with((), {
        let session = session.clone();
        move |()| session.check_if_signed_out()
    });
    use_effect_with(matches!(session.session(), Session::SignedIn(_)), {
        let is_sent_back = is_sent_back.setter();
        move |is_signed_in| {
            if *is_signed_in && let (Some(navigator), Some(location)) = (navigator, location) {
                is_sent_back.set(!leave_for_signed_in(&navigator, &location));
            }
        }
    });
    match session.session() {
        Session::SignedOut => props.render.emit(()),
        Session::SignedIn(_) if *is_sent_back => props.render.emit(()),
        Session::Unconfirmed(error) => unconfirmed(error, &session),
        _ => loading_page(),
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct FromMailProps {
    /// The route of the page.
    pub(crate) route: Route,
    pub(crate) children: Html,
}

/// Shows a page that a link with a secret can open, such as one in a mail. Before that, the secret
/// in the fragment of the URL is moved to the router state, so that it is neither in the history of
/// the browser nor in a URL that the page builds.
#[component]
pub(crate) fn FromMail(props: &FromMailProps) -> Html {
    let navigator = use_navigator();
    let location = use_location();
    let fragment = location.map(|location| location.hash().to_owned()).unwrap_or_default();
    let has_fragment = !fragment.is_empty();
    use_effect_with((fragment, props.route), move |(fragment, route)| {
        if !fragment.is_empty()
            && let Some(navigator) = navigator
        {
            navigator.replace_with_state(route, MailLink::parse(fragment));
        }
    });
    if has_fragment { loading_page() } else { props.children.clone() }
}

const fn notice(end_reason: SessionEndReason) -> LoginNotice {
    match end_reason {
        SessionEndReason::Ended => LoginNotice::SessionEnded,
        SessionEndReason::OtherUser => LoginNotice::OtherUser,
    }
}

fn unconfirmed(error: &ApiError, session: &SessionHandle) -> Html {
    let mut text = describe(error);
    if session.is_active() {
        text.push_str(" You have not been logged out.");
    }
    let session = session.clone();
    let onretry = move |()| session.reload_user();
    html! { <ErrorPage title="This page could not be loaded" {text} {onretry} /> }
}
