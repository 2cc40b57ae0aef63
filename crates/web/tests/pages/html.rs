//! Renders pages and components to HTML, and searches the HTML.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these functions run only in tests, where a missing element fails the test"
)]

use auth_core::PasswordPolicy;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use web::{App, AppProps, Mail, Passkeys, SignUp};
use yew::{BaseComponent, LocalServerRenderer};
use yew_router::history::{AnyHistory, History as _, MemoryHistory};
use yew_router::query::Raw;
use yew_session::{Session, User};

pub(crate) fn ada() -> User {
    User {
        id: "01960000-0000-7000-8000-00000000ada0".to_owned(),
        email: "Ada@Example.com".to_owned(),
        created_at: "2026-04-14T09:30:00Z".to_owned(),
        email_verified_at: None,
        second_factor: false,
        second_factor_enrolment_required: false,
        roles: Vec::new(),
    }
}

/// Returns the first render of the document at `url`.
pub(crate) fn visit(url: &str, session: Session) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let history = MemoryHistory::new();
    history.push_with_query(path, Raw(query)).unwrap();
    show(history, session)
}

/// Returns the first render of the document at `path` after a navigation with router state.
pub(crate) fn arrive<T: 'static>(path: &str, state: T) -> String {
    let history = MemoryHistory::new();
    history.push_with_state(path, state);
    show(history, Session::SignedOut)
}

fn show(history: MemoryHistory, session: Session) -> String {
    render::<App>(props(history, session))
}

/// Returns the first render of the document at `path` where visitors cannot create accounts.
pub(crate) fn visit_without_sign_up(path: &str) -> String {
    let history = MemoryHistory::new();
    history.push(path);
    render::<App>(AppProps { sign_up: SignUp::Off, ..props(history, Session::SignedOut) })
}

/// Does the same after a navigation with router state.
pub(crate) fn arrive_without_sign_up<T: 'static>(path: &str, state: T) -> String {
    let history = MemoryHistory::new();
    history.push_with_state(path, state);
    render::<App>(AppProps { sign_up: SignUp::Off, ..props(history, Session::SignedOut) })
}

/// Returns the first render of the document at `path` where the server sends mails.
pub(crate) fn visit_with_mail(path: &str, mail: Mail, session: Session) -> String {
    let history = MemoryHistory::new();
    history.push(path);
    render::<App>(AppProps { mail, ..props(history, session) })
}

/// Returns the first render of the document at `path` in a browser that supports passkeys.
pub(crate) fn visit_with_passkeys(path: &str) -> String {
    let history = MemoryHistory::new();
    history.push(path);
    let passkeys = Passkeys::Supported;
    render::<App>(AppProps { passkeys, ..props(history, Session::SignedOut) })
}

/// Returns the first render of the document at `path` after a navigation with router state, where
/// the server sends mails.
pub(crate) fn arrive_with_mail<T: 'static>(path: &str, state: T) -> String {
    let history = MemoryHistory::new();
    history.push_with_state(path, state);
    render::<App>(AppProps { mail: Mail::WithSignIn, ..props(history, Session::SignedOut) })
}

fn props(history: MemoryHistory, session: Session) -> AppProps {
    let history = AnyHistory::from(history);
    let (password_policy, sign_up) = (PasswordPolicy::default(), SignUp::On);
    let passkeys = Passkeys::Unsupported;
    AppProps { history, password_policy, sign_up, mail: Mail::Off, passkeys, session }
}

/// Renders a component. Leaves out `span` elements, which only separate a text that may change from
/// its surroundings.
pub(crate) fn render<C: BaseComponent>(props: C::Properties) -> String {
    let runtime = Builder::new_current_thread().build().unwrap();
    let renderer = LocalServerRenderer::<C>::with_props(props).hydratable(false);
    let html = LocalSet::new().block_on(&runtime, renderer.render());
    html.replace("<span>", "").replace("</span>", "")
}

/// Returns the first start tag that contains `with`, for example `name="email"`.
pub(crate) fn tag<'a>(html: &'a str, with: &str) -> &'a str {
    let at = html.find(with).unwrap_or_else(|| panic!("no {with} in {html}"));
    let start = html[..=at].rfind('<').unwrap();
    let end = at + html[at..].find('>').unwrap() + 1;
    &html[start..end]
}

/// Returns the text between the first start tag that contains `with` and the next tag.
pub(crate) fn text<'a>(html: &'a str, with: &str) -> &'a str {
    let tag = tag(html, with);
    let after = &html[html.find(tag).unwrap() + tag.len()..];
    after.split('<').next().unwrap()
}

/// Returns the content of `<main>`.
pub(crate) fn main(html: &str) -> &str {
    let (_, main) = html.split_once("<main").unwrap();
    main.split_once("</main>").unwrap().0
}

/// Returns the content of `<nav>`.
pub(crate) fn nav(html: &str) -> &str {
    let (_, nav) = html.split_once("<nav").unwrap();
    nav.split_once("</nav>").unwrap().0
}

/// Returns the section with this heading.
pub(crate) fn section<'a>(html: &'a str, heading: &str) -> &'a str {
    let (_, section) = html.split_once(&format!(">{heading}</h2>")).unwrap();
    section.split_once("</section>").unwrap().0
}

/// Returns all list items.
pub(crate) fn items(html: &str) -> Vec<&str> {
    html.split("<li").skip(1).map(|item| item.split_once("</li>").unwrap().0).collect()
}

/// Returns the texts of all buttons.
pub(crate) fn buttons(html: &str) -> Vec<&str> {
    html.split("<button").skip(1).map(|button| button.split(['>', '<']).nth(1).unwrap()).collect()
}

/// Returns how many buttons are disabled.
pub(crate) fn disabled(html: &str) -> usize {
    let tags = html.split("<button").skip(1).map(|button| button.split('>').next().unwrap());
    tags.filter(|tag| tag.contains("disabled")).count()
}

/// Returns the value of the first attribute with this name.
pub(crate) fn attribute<'a>(html: &'a str, name: &str) -> &'a str {
    let (_, value) = html.split_once(&format!("{name}=\"")).unwrap();
    value.split_once('"').unwrap().0
}
