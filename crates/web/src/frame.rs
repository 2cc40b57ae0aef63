//! The header, navigation and footer around every page.

use yew::prelude::*;
use yew_router::hooks::{use_location, use_navigator, use_route};
use yew_session::{Session, SignOutOutcome, use_session};

use crate::components::{Link, NavBar, keyhole};
use crate::pages::{use_login_state, use_other_login};
use crate::routes::{LoginNotice, LoginState, Route};
use crate::sign_up::SignUp;
use crate::site::site;
use crate::{browser, storage};

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
    let current = use_route().filter(|route: &Route| route.page_of_app().is_none());
    let current = current.unwrap_or(Route::NotFound);
    let visit = use_visit();
    let is_ending = *session.session() == Session::Ending;
    use_focus_after_navigation(visit);
    use_focus_while_signing_out(is_ending);
    let entered = use_login_state();
    let onlogin = use_other_login(entered);
    let onlogin = current.has_login_state().then_some(onlogin);
    let main = use_node_ref();
    use_check_of_nodes(&main, session.confirmations());
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
        // Afterwards, because the token is needed to end the session.
        storage::clear_tab();
    };
    html! {
        <>
            <a class="skip-link" href="#main" onclick={|event: MouseEvent| skip(&event)}>{"Skip to content"}</a>
            <header class="masthead">
                <Link to={Route::Home} current={current == Route::Home} class="brand">
                    {logo()}{site().name}
                </Link>
                <NavBar
                    {current}
                    {visit}
                    sign_up={props.sign_up}
                    {signed_in}
                    ending={is_ending}
                    {onlogout}
                    {onlogin}
                />
            </header>
            <main id="main" tabindex="-1" ref={main}>{props.children.clone()}</main>
            <footer class="colophon">
                <p>{"No trackers. No third-party content."}</p>
            </footer>
        </>
    }
}

/// Renders the logo of the app. The name is next to it, so it has no text.
fn logo() -> Html {
    match site().logo {
        Some(src) => html! { <img class="logo" {src} alt="" /> },
        None => keyhole(),
    }
}

fn skip(event: &MouseEvent) {
    // Following the link would add a history entry for the same page.
    event.prevent_default();
    browser::focus_page();
}

/// Shows the failure page if another page is still in the document after a change of the session or
/// of the route.
///
/// If an extension has moved, copied or replaced the element of a page, Yew cannot remove it, and
/// private data would stay on the screen. Before the first confirmation of a session, there is no
/// private data.
#[hook]
fn use_check_of_nodes(main: &NodeRef, confirmations: u32) {
    let main = main.clone();
    use_effect(move || {
        if confirmations != 0
            && let Some(main) = main.cast()
            && !browser::is_only_main(&main)
        {
            browser::show_failure_page();
        }
    });
}

/// Returns a number that changes with every navigation, even to the same page. A navigation that
/// changes only the fragment does not count.
#[hook]
fn use_visit() -> u32 {
    let entry = use_location().map(|location| Entry {
        path: location.path().to_owned(),
        hash: location.hash().to_owned(),
        id: location.id(),
    });
    let last = use_mut_ref(|| (entry.clone(), 0_u32));
    let mut last = last.borrow_mut();
    if let (Some(before), Some(after)) = (&mut last.0, entry) {
        if after.is_visit_after(before) {
            *before = after;
            last.1 = last.1.wrapping_add(1);
        } else {
            before.hash = after.hash;
        }
    }
    last.1
}

/// An entry of the browser's history.
#[derive(Clone)]
struct Entry {
    path: String,
    hash: String,
    /// The router's id of the entry. An entry that the browser has added has none, for example
    /// after the user has changed the fragment.
    id: Option<u32>,
}

impl Entry {
    /// Returns whether this entry is another visit than `before`. The id of `before` is the id of
    /// the entry that began its visit.
    fn is_visit_after(&self, before: &Self) -> bool {
        let is_other_entry = self.id != before.id;
        let is_fragment_change = self.id.is_none() && self.hash != before.hash;
        self.path != before.path || (is_other_entry && !is_fragment_change)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, hash: &str, id: Option<u32>) -> Entry {
        Entry { path: path.to_owned(), hash: hash.to_owned(), id }
    }

    #[test]
    fn a_change_of_the_fragment_is_not_a_visit() {
        for id in [None, Some(7)] {
            let page = entry("/settings", "", id);
            assert!(!entry("/settings", "#settings-export", None).is_visit_after(&page));
        }
        // The user goes back.
        let fragment = entry("/settings", "#settings-export", Some(7));
        assert!(!entry("/settings", "", Some(7)).is_visit_after(&fragment));
    }

    #[test]
    fn every_navigation_is_a_visit() {
        let page = entry("/settings", "#settings-export", Some(7));
        assert!(entry("/private", "", Some(8)).is_visit_after(&page));
        assert!(entry("/settings", "", Some(8)).is_visit_after(&page));
        assert!(entry("/settings", "#settings-export", None).is_visit_after(&page));
        assert!(entry("/private", "#settings-export", None).is_visit_after(&page));
    }
}
