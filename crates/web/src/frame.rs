//! What is around every page.

use yew::prelude::*;

use crate::browser;
use crate::components::{Link, NavBar, keyhole};
use crate::route::Route;
use crate::session::{Session, SessionHandle};

/// A page, with what is around it. `visit` changes with every move to another.
pub(crate) fn frame(current: Route, visit: u32, session: &SessionHandle, page: Html) -> Html {
    let brand =
        Link { current: current == Route::Home, class: Some("brand"), ..Link::to(Route::Home) };
    let leaving = session.clone();
    html! {
        <>
            <a class="skip-link" href="#main" onclick={|event: MouseEvent| skip(&event)}>{"Skip to content"}</a>
            <header class="masthead">
                {brand.show(html! { <>{keyhole()}{"Latchkey"}</> })}
                <NavBar
                    {current}
                    {visit}
                    signed_in={session.may_be_signed_in()}
                    ending={*session.session() == Session::Ending}
                    onlogout={move |()| leaving.end()}
                />
            </header>
            <main id="main" tabindex="-1">{page}</main>
            <footer class="colophon">
                <p>{"No trackers, and nothing that is loaded from anywhere else."}</p>
            </footer>
        </>
    }
}

fn skip(event: &MouseEvent) {
    // Following the link would make a history entry that differs in nothing.
    event.prevent_default();
    browser::focus_page();
}

/// Keeps the focus while a session is being ended: the button that was pressed is disabled until
/// the server has been told.
#[hook]
pub(crate) fn use_focus_at_the_end(session: &SessionHandle) {
    use_effect_with(*session.session() == Session::Ending, |ending| {
        if *ending && browser::has_lost_focus() {
            browser::focus_main();
        }
    });
}

/// Does after a move what the browser does after a page load, which is where it left the
/// first page already.
#[hook]
pub(crate) fn use_arrival(visit: u32) {
    use_effect_with(visit, |visit| {
        if *visit != 0 {
            browser::focus_page();
            browser::scroll_to_top();
        }
    });
}
