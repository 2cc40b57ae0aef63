//! Mounts the application in the element `#app` of `index.html`.

use web::{App, AppProps, Passkeys, browser, set_site};
use yew_router::history::{AnyHistory, BrowserHistory};
use yew_session::Session;

fn main() {
    let Some(root) = browser::element("app") else { return };
    let site = browser::site();
    set_site(site);
    let props = AppProps {
        history: AnyHistory::from(BrowserHistory::new()),
        password_policy: browser::password_policy(),
        sign_up: browser::sign_up(),
        mail: browser::mail(),
        passkeys: Passkeys::detect(),
        // The pages of an app share the session cookie with those that it renders itself.
        session: match site.after_log_in {
            Some(_) => Session::Loading,
            None => Session::at_start(),
        },
    };
    yew::Renderer::<App>::with_root_and_props(root, props).render();
}
