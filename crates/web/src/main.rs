//! Mounts the application where `index.html` has its waiting state.

use web::{App, AppProps, Session, browser, history};

fn main() {
    let Some(root) = browser::element("app") else { return };
    let props = AppProps {
        start: history::current(),
        password_policy: browser::password_policy(),
        session: Session::at_start(),
    };
    yew::Renderer::<App>::with_root_and_props(root, props).render();
}
