//! What is around every page.

use auth_core::PasswordPolicy;
use yew::prelude::*;

use crate::browser;
use crate::components::{AppLink, Keyhole, NavBar};
use crate::history::use_location;
use crate::route::{Route, page};
use crate::session::{Session, use_session};

#[derive(Properties, PartialEq)]
pub(crate) struct FrameProps {
    pub(crate) password_policy: PasswordPolicy,
}

#[component]
pub(crate) fn Frame(props: &FrameProps) -> Html {
    let session = use_session();
    let location = use_location();
    let (route, visit) = (Route::at(location.path()), location.visit());
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
            <main id="main" tabindex="-1">{page(route, props.password_policy)}</main>
            <footer class="colophon">
                <p>{"No trackers, and nothing that is loaded from anywhere else."}</p>
            </footer>
        </>
    }
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
