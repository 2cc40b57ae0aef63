//! What is in front of the pages that depend on the session.

use api_types::User;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::ApiError;
use crate::components::{trouble, waiting};
use crate::messages::{NOT_DOWNLOADED, describe};
use crate::navigation;
use crate::private_pages::{self, NotLoaded, PrivatePages};
use crate::route::Route;
use crate::session::{Session, SessionHandle, use_session};

const NOT_CHECKED: &str = "Your session could not be checked";
const NOT_LOADED: &str = "The page could not be loaded";

/// What opens a private page: the pages, and whose they are to be.
pub(crate) type Opened = (PrivatePages, User);

#[derive(Properties, PartialEq)]
pub(crate) struct PrivateOnlyProps {
    pub(crate) render: Callback<Opened, Html>,
}

/// Shows a private page to its owner, once the server has confirmed the session since the
/// page was entered: what it said before may be over.
#[component]
pub(crate) fn PrivateOnly(props: &PrivateOnlyProps) -> Html {
    let session = use_session();
    let (pages, load) = use_private_pages(session.may_be_signed_in());
    let confirmations_at_entry = use_state(|| session.confirmations());
    use_effect_with((), {
        let session = session.clone();
        move |()| session.check()
    });
    use_effect_with(*session.session() == Session::SignedOut, {
        let session = session.clone();
        move |signed_out| {
            if *signed_out {
                navigation::replace_with_detour_to_login(session.take_loss());
            }
        }
    });
    match (session.session(), pages) {
        (Session::SignedIn(user), Some(Ok(pages)))
            if session.confirmations() != *confirmations_at_entry =>
        {
            props.render.emit((pages, user.clone()))
        }
        (Session::SignedIn(_), Some(Err(NotLoaded))) => {
            trouble(NOT_LOADED, NOT_DOWNLOADED.into(), &load)
        }
        (Session::SignedIn(_) | Session::Loading | Session::Ending, _) => waiting(),
        (Session::Unconfirmed(error), _) => unconfirmed(error, &session),
        (Session::SignedOut, _) => waiting(),
    }
}

/// The private pages, which are downloaded while the server is asked if they are `wanted`, and
/// what tries that once more.
#[hook]
fn use_private_pages(wanted: bool) -> (Option<Result<PrivatePages, NotLoaded>>, Callback<()>) {
    let pages = use_state(|| None);
    let load = {
        let pages = pages.setter();
        Callback::from(move |()| {
            let pages = pages.clone();
            pages.set(None);
            spawn_local(async move { pages.set(Some(private_pages::load().await)) });
        })
    };
    use_effect_with(wanted, {
        let load = load.clone();
        move |wanted| {
            if *wanted {
                load.emit(());
            }
        }
    });
    (*pages, load)
}

#[derive(Properties, PartialEq)]
pub(crate) struct SignedOutOnlyProps {
    pub(crate) children: Html,
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
    use_effect_with(matches!(session.session(), Session::SignedIn(_)), |signed_in| {
        if *signed_in {
            navigation::replace(Route::Private);
        }
    });
    match session.session() {
        Session::SignedOut => props.children.clone(),
        Session::Loading | Session::Ending => waiting(),
        Session::Unconfirmed(error) => unconfirmed(error, &session),
        Session::SignedIn(_) => waiting(),
    }
}

fn unconfirmed(error: &ApiError, session: &SessionHandle) -> Html {
    let session = session.clone();
    trouble(NOT_CHECKED, describe(error).into(), &Callback::from(move |()| session.ask()))
}
