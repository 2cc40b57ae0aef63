//! What is in front of the pages that depend on the session.

use api_types::User;
use yew::prelude::*;

use crate::components::{Trouble, Waiting};
use crate::messages::describe;
use crate::navigation;
use crate::route::Route;
use crate::session::{Session, use_session};

#[derive(Properties, PartialEq)]
pub(crate) struct PrivateOnlyProps {
    pub(crate) render: Callback<User, Html>,
}

/// Shows a private page to its owner, once the server has confirmed the session since the
/// page was entered: what it said before may be over.
#[component]
pub(crate) fn PrivateOnly(props: &PrivateOnlyProps) -> Html {
    let session = use_session();
    let confirmations_at_entry = use_state(|| session.confirmations());
    use_effect_with((), {
        let session = session.clone();
        move |()| session.check()
    });
    match session.session() {
        Session::SignedIn(user) if session.confirmations() != *confirmations_at_entry => {
            props.render.emit(user.clone())
        }
        Session::SignedIn(_) | Session::Loading | Session::Ending => html! { <Waiting /> },
        Session::Unconfirmed(error) => html! {
            <Trouble text={describe(error)} onretry={move |()| session.ask()} />
        },
        Session::SignedOut => html! { <ToLogin /> },
    }
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
    match session.session() {
        Session::SignedOut => props.children.clone(),
        Session::Loading | Session::Ending => html! { <Waiting /> },
        Session::Unconfirmed(error) => html! {
            <Trouble text={describe(error)} onretry={move |()| session.ask()} />
        },
        Session::SignedIn(_) => html! { <ToPrivate /> },
    }
}

#[component]
fn ToLogin() -> Html {
    let session = use_session();
    use_effect_with((), move |()| {
        navigation::replace_with_detour_to_login(session.take_loss());
    });
    html! { <Waiting /> }
}

#[component]
fn ToPrivate() -> Html {
    use_effect_with((), |()| navigation::replace(Route::Private));
    html! { <Waiting /> }
}
