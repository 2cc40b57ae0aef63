//! Renders, and looks at what was rendered.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "these run in tests alone, where what is not there fails the test"
)]

use api_types::User;
use auth_core::PasswordPolicy;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use web::history::Location;
use web::{App, AppProps, Session};
use yew::{BaseComponent, LocalServerRenderer};

pub(crate) fn ada() -> User {
    User {
        id: "01960000-0000-7000-8000-00000000ada0".to_owned(),
        email: "Ada@Example.com".to_owned(),
        created_at: "2026-04-14T09:30:00Z".to_owned(),
    }
}

/// The document at `address`, as it is first shown.
pub(crate) fn visit(address: &str, session: Session) -> String {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    show(Location::new(path, query), session)
}

/// The page at `path`, which has been told something on the way there.
pub(crate) fn arrive<T: 'static>(path: &str, told: T) -> String {
    show(Location::new(path, "").telling(told), Session::SignedOut)
}

fn show(start: Location, session: Session) -> String {
    render::<App>(AppProps { start, password_policy: PasswordPolicy::default(), session })
}

pub(crate) fn render<C: BaseComponent>(props: C::Properties) -> String {
    let runtime = Builder::new_current_thread().build().unwrap();
    let renderer = LocalServerRenderer::<C>::with_props(props).hydratable(false);
    LocalSet::new().block_on(&runtime, renderer.render())
}

/// The first start tag that has this text in it, such as `name="email"`.
pub(crate) fn tag<'a>(html: &'a str, with: &str) -> &'a str {
    let at = html.find(with).unwrap_or_else(|| panic!("no {with} in {html}"));
    let start = html[..=at].rfind('<').unwrap();
    let end = at + html[at..].find('>').unwrap() + 1;
    &html[start..end]
}

/// What follows the first start tag that has this text in it, up to the next tag.
pub(crate) fn text<'a>(html: &'a str, with: &str) -> &'a str {
    let tag = tag(html, with);
    let after = &html[html.find(tag).unwrap() + tag.len()..];
    after.split('<').next().unwrap()
}

/// The part of the document in `<main>`.
pub(crate) fn main(html: &str) -> &str {
    let (_, main) = html.split_once("<main").unwrap();
    main.split_once("</main>").unwrap().0
}

/// The part of the document in `<nav>`.
pub(crate) fn nav(html: &str) -> &str {
    let (_, nav) = html.split_once("<nav").unwrap();
    nav.split_once("</nav>").unwrap().0
}

/// The section of a page under this heading.
pub(crate) fn section<'a>(html: &'a str, heading: &str) -> &'a str {
    let (_, section) = html.split_once(&format!(">{heading}</h2>")).unwrap();
    section.split_once("</section>").unwrap().0
}

/// The items of its lists.
pub(crate) fn items(html: &str) -> Vec<&str> {
    html.split("<li").skip(1).map(|item| item.split_once("</li>").unwrap().0).collect()
}
