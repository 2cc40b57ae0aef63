use yew::prelude::*;

use crate::browser;
use crate::navigation;
use crate::route::Route;

/// Properties of [`AppLink`].
#[derive(Properties, PartialEq)]
pub struct AppLinkProps {
    /// Where the link leads.
    pub to: Route,
    /// Whether that is the page it is on.
    #[prop_or_default]
    pub current: bool,
    /// Classes of the `a` element.
    #[prop_or_default]
    pub class: Classes,
    /// What following the link does instead of just going there.
    #[prop_or_default]
    pub onfollow: Option<Callback<()>>,
    /// What the link reads.
    pub children: Html,
}

/// A link to a page of the application, which can say that it leads to the current one.
#[component]
pub fn AppLink(props: &AppLinkProps) -> Html {
    let AppLinkProps { to, current, onfollow, .. } = props;
    let onclick = {
        let (to, current, onfollow) = (*to, *current, onfollow.clone());
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
    };
    html! {
        <a
            href={to.path()}
            class={props.class.clone()}
            aria-current={current.then_some("page")}
            {onclick}
        >
            {props.children.clone()}
        </a>
    }
}
