use yew::prelude::*;
use yew_router::Routable as _;
use yew_router::hooks::use_navigator;

use crate::browser;
use crate::routes::Route;
use crate::site::site;

/// Returns the text of a link to the private page: `text`, or `before_name` and the name of the app
/// if the app has a page in its place.
pub(crate) fn account_link(text: &'static str, before_name: &str) -> AttrValue {
    match Route::Private.page_of_app() {
        None => text.into(),
        Some(_) => format!("{before_name} {}", site().name).into(),
    }
}

/// Properties of [`Link`].
#[derive(Properties, PartialEq)]
pub struct LinkProps {
    /// The target page.
    pub to: Route,
    /// `true` if the target is the current page.
    #[prop_or_default]
    pub current: bool,
    /// Classes of the `a` element.
    #[prop_or_default]
    pub class: Option<&'static str>,
    /// Called instead of navigating.
    #[prop_or_default]
    pub onfollow: Option<Callback<()>>,
    /// The content of the link.
    pub children: Html,
}

/// A link to a page, or to the page that the app has in its place.
///
/// Unlike the router's own link, it marks the current page, adds no second history entry for that
/// page, and ignores the second click of a double click.
#[component]
pub fn Link(props: &LinkProps) -> Html {
    let LinkProps { to, current, class, onfollow, children } = props;
    let navigator = use_navigator();
    let onclick = {
        let (to, current, onfollow) = (*to, *current, onfollow.clone());
        move |event: MouseEvent| {
            // With a modifier key, the browser opens a tab or a window, or downloads the page.
            if event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() {
                return;
            }
            event.prevent_default();
            if browser::is_repeated_click(&event) {
                return;
            }
            if let Some(onfollow) = &onfollow {
                onfollow.emit(());
            } else if current {
                browser::focus_page();
                browser::scroll_to_top();
            } else if let Some(navigator) = &navigator {
                navigator.push(&to);
            }
        }
    };
    if let Some(href) = to.page_of_app() {
        return html! { <a {href} class={*class}>{children.clone()}</a> };
    }
    html! {
        <a href={to.to_path()} class={*class} aria-current={current.then_some("page")} {onclick}>
            {children.clone()}
        </a>
    }
}
