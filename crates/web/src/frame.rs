//! What is around every page.

use yew::prelude::*;
use yew_router::hooks::{use_location, use_route};

use crate::browser;
use crate::components::{AppLink, Keyhole, NavBar};
use crate::route::Route;
use crate::session::{Session, use_session};

#[derive(Properties, PartialEq)]
pub(crate) struct FrameProps {
    pub(crate) children: Html,
}

#[component]
pub(crate) fn Frame(props: &FrameProps) -> Html {
    let session = use_session();
    let route = use_route::<Route>().unwrap_or(Route::NotFound);
    let visit = use_visit();
    use_arrival(visit);

    let skip = Callback::from(|event: MouseEvent| {
        // Following the link would make a history entry that differs in nothing.
        event.prevent_default();
        browser::focus_page();
    });
    let ending = *session.session() == Session::Ending;
    // The button that was pressed is disabled until the server has been told.
    use_effect_with(ending, |ending| {
        if *ending && browser::has_lost_focus() {
            browser::focus_main();
        }
    });
    let may_be_signed_in = session.may_be_signed_in();
    html! {
        <>
            <a class="skip-link" href="#main" onclick={skip}>{"Skip to content"}</a>
            <header class="masthead">
                <AppLink to={Route::Home} class="brand" current={route == Route::Home}>
                    <Keyhole />
                    {"Latchkey"}
                </AppLink>
                <NavBar
                    current={route}
                    {visit}
                    signed_in={may_be_signed_in}
                    {ending}
                    onlogout={move |()| session.end()}
                />
            </header>
            <main id="main" tabindex="-1">{props.children.clone()}</main>
            <footer class="colophon">
                <p>{"No trackers, and nothing that is loaded from anywhere else."}</p>
            </footer>
        </>
    }
}

/// A number that changes with every move to another address, or to the same one again.
#[hook]
fn use_visit() -> u32 {
    let location = use_location();
    let key = location.map(|location| (location.path().to_owned(), location.id()));
    let last = use_mut_ref(|| (0_u32, key.clone()));
    let mut last = last.borrow_mut();
    if last.1 != key {
        *last = (last.0.wrapping_add(1), key);
    }
    last.0
}

/// Does after a move what the browser does after a page load, which is where it left the
/// first page already.
#[hook]
fn use_arrival(visit: u32) {
    use_effect_with(visit, |visit| {
        if *visit != 0 {
            browser::focus_page();
            browser::scroll_to_top();
        }
    });
}
