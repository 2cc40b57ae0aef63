use yew::prelude::*;

use crate::browser;
use crate::navigation;
use crate::route::Route;

/// A link to a page of the application.
pub struct Link {
    /// Where it leads.
    pub to: Route,
    /// Whether that is the page it is on.
    pub current: bool,
    /// Classes of the `a` element.
    pub class: Option<&'static str>,
    /// What following the link does instead of just going there.
    pub onfollow: Option<Callback<()>>,
}

/// The most of them: what it reads, and the classes that it looks by.
pub fn link(to: Route, class: &'static str, text: &'static str) -> Html {
    Link { class: Some(class), ..Link::to(to) }.show(html! { text })
}

impl Link {
    /// One that has nothing else to it.
    #[must_use]
    pub const fn to(to: Route) -> Self {
        Self { to, current: false, class: None, onfollow: None }
    }

    /// What is followed by whoever clicks on `what`.
    pub fn show(self, what: Html) -> Html {
        let Self { to, current, class, onfollow } = self;
        let onclick = follow(to, current, onfollow);
        html! {
            <a
                href={to.path()}
                {class}
                aria-current={current.then_some("page")}
                {onclick}
            >
                {what}
            </a>
        }
    }
}

fn follow(
    to: Route,
    current: bool,
    onfollow: Option<Callback<()>>,
) -> impl Fn(MouseEvent) + 'static {
    move |event: MouseEvent| {
        // With a key held, the browser is to open a tab or a window.
        if event.meta_key() || event.ctrl_key() || event.shift_key() || event.alt_key() {
            return;
        }
        event.prevent_default();
        if browser::is_repeated(&event) {
            return;
        }
        match &onfollow {
            Some(onfollow) => onfollow.emit(()),
            // As browsers do: no second history entry for the same page.
            None if current => navigation::stay(),
            None => navigation::push(to),
        }
    }
}
