//! What is in front of the pages that depend on the session.

use api_types::User;
use yew::prelude::*;

use crate::api::ApiError;
use crate::components::{trouble, waiting};
use crate::messages::{NOT_DOWNLOADED, describe};
use crate::navigation;
use crate::parts::{Entrance, NotLoaded, Private, use_part};
use crate::route::Route;
use crate::session::{Session, SessionHandle, use_session};

/// What opens a private page: the part of the application that has it, and whose it is to be.
pub(crate) type Opened = (Private, User);

#[derive(Properties, PartialEq)]
pub(crate) struct PrivateOnlyProps {
    pub(crate) render: Callback<Opened, Html>,
}

/// Shows a private page to its owner, once the server has confirmed the session since the
/// page was entered: what it said before may be over.
#[component]
pub(crate) fn PrivateOnly(props: &PrivateOnlyProps) -> Html {
    let session = use_session();
    let is_signed_out = *session.session() == Session::SignedOut;
    // It comes while the server is asked.
    let (part, download) = use_part::<Private>(!is_signed_out);
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
    match (session.session(), part) {
        (Session::SignedIn(user), Some(Ok(private)))
            if session.confirmations() != *confirmations_at_entry =>
        {
            props.render.emit((private, user.clone()))
        }
        (Session::SignedIn(_), Some(Err(NotLoaded))) => not_downloaded(&download),
        (Session::Unconfirmed(error), _) => unconfirmed(error, &session),
        _ => waiting(),
    }
}

#[derive(Properties, PartialEq)]
pub(crate) struct SignedOutOnlyProps {
    pub(crate) render: Callback<Entrance, Html>,
}

/// Shows a page that nobody needs who is signed in.
#[component]
pub(crate) fn SignedOutOnly(props: &SignedOutOnlyProps) -> Html {
    let session = use_session();
    let (part, download) = use_part::<Entrance>(*session.session() == Session::SignedOut);
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
    match (session.session(), part) {
        (Session::SignedOut, Some(Ok(entrance))) => props.render.emit(entrance),
        (Session::SignedOut, Some(Err(NotLoaded))) => not_downloaded(&download),
        (Session::Unconfirmed(error), _) => unconfirmed(error, &session),
        _ => waiting(),
    }
}

fn unconfirmed(error: &ApiError, session: &SessionHandle) -> Html {
    let session = session.clone();
    let retry = Callback::from(move |()| session.ask());
    let why = html! { <>{describe(error)}{" You have not been logged out."}</> };
    trouble("Your session could not be checked", why, &retry)
}

fn not_downloaded(download: &Callback<()>) -> Html {
    trouble("The page could not be loaded", html! { NOT_DOWNLOADED }, download)
}
