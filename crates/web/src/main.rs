//! Mounts the application where `index.html` has its waiting state.

use web::{App, AppProps, Session, browser};
use yew_router::history::BrowserHistory;

fn main() {
    let Some(root) = browser::element("app") else { return };
    let props = AppProps {
        history: BrowserHistory::new().into(),
        password_policy: browser::password_policy(),
        session: Session::at_start(),
    };
    yew::Renderer::<App>::with_root_and_props(root, props).render();
}
