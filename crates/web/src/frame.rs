//! The header, navigation and footer around every page.

use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator, use_route};

use crate::browser;
use crate::components::{Link, NavBar, keyhole};
use crate::routes::{LoginNotice, LoginState, Route};
use crate::session::{Session, SignOutOutcome, use_session};
use crate::sign_up::SignUp;

#[derive(Properties, PartialEq)]
pub(crate) struct FrameProps {
    /// The sign-up setting of the server.
    pub(crate) sign_up: SignUp,
    /// The current page.
    pub(crate) children: Html,
}

/// A page with its header, navigation and footer.
#[component]
pub(crate) fn Frame(props: &FrameProps) -> Html {
    let session = use_session();
    let navigator = use_navigator();
    let current = use_route().unwrap_or(Route::NotFound);
    let visit = use_visit();
    let is_ending = *session.session() == Session::Ending;
    use_focus_after_navigation(visit);
    use_focus_while_signing_out(is_ending);
    let signed_in = session.may_be_signed_in();
    let onlogout = move |()| {
        let navigator = navigator.clone();
        session.sign_out(move |outcome| {
            let notice = match outcome {
                SignOutOutcome::Ended => None,
                SignOutOutcome::Unconfirmed => Some(LoginNotice::SignOutUnconfirmed),
            };
            if let Some(navigator) = navigator {
                let state = LoginState { notice, ..LoginState::default() };
                navigator.replace_with_state(&Route::Login, state);
            }
        });
    };
    html! {
        <>
            <a class="skip-link" href="#main" onclick={|event: MouseEvent| skip(&event)}>{"Skip to content"}</a>
            <header class="masthead">
                <Link to={Route::Home} current={current == Route::Home} class="brand">
                    {keyhole()}{"Latchkey"}
                </Link>
                <NavBar
                    {current}
                    {visit}
                    sign_up={props.sign_up}
                    {signed_in}
                    ending={is_ending}
                    {onlogout}
                />
            </header>
            <main id="main" tabindex="-1">{props.children.clone()}</main>
            <footer class="colophon">
                <p>{"No trackers. No third-party content."}</p>
            </footer>
        </>
    }
}

fn skip(event: &MouseEvent) {
    // Following the link would add a history entry for the same page.
    event.prevent_default();
    browser::focus_page();
}

/// Returns a number that changes with every navigation, even to the same page. A navigation that
/// changes only the fragment does not count.
#[hook]
fn use_visit() -> u32 {
    let entry = use_location().map(|location| (location.path().to_owned(), location.id()));
    let last = use_mut_ref(|| (entry.clone(), 0_u32));
    let mut last = last.borrow_mut();
    if last.0 != entry {
        *last = (entry, last.1.wrapping_add(1));
    }
    last.1
}

/// Moves the focus to the page after a navigation, and scrolls to the top. For the first page,
/// the browser does so.
#[hook]
fn use_focus_after_navigation(visit: u32) {
    use_effect_with(visit, |visit| {
        if *visit != 0 {
            browser::focus_page();
            browser::scroll_to_top();
        }
    });
}

/// Moves the focus to `main` if it was lost when the log-out button was disabled.
#[hook]
fn use_focus_while_signing_out(is_ending: bool) {
    use_effect_with(is_ending, |is_ending| {
        if *is_ending && browser::has_lost_focus() {
            browser::focus_main();
        }
    });
}
