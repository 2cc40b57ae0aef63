use web_sys::HtmlElement;
use yew::prelude::*;

use super::Link;
use super::busy_button::pressed;
use crate::route::Route;

/// Properties of [`NavBar`].
#[derive(Properties, PartialEq)]
pub struct NavBarProps {
    /// The page it is on.
    pub current: Route,
    /// Changes with every move to another page.
    pub visit: u32,
    /// Whether there is something to log out of.
    pub signed_in: bool,
    /// Whether the session is being ended.
    pub ending: bool,
    /// The user wants to leave.
    pub onlogout: Callback<()>,
}

/// The ways from here, behind a button where they do not fit.
#[component]
pub fn NavBar(props: &NavBarProps) -> Html {
    let open = use_state(|| false);
    let menu = use_node_ref();
    // Whoever has chosen a way does not need the others any more.
    use_effect_with(props.visit, {
        let open = open.setter();
        move |_| open.set(false)
    });

    let toggle = {
        let open = open.clone();
        move |_| open.set(!*open)
    };
    let onkeydown = {
        let (open, menu) = (open.clone(), menu.clone());
        move |event: KeyboardEvent| {
            if *open && event.key() == "Escape" {
                open.set(false);
                if let Some(menu) = menu.cast::<HtmlElement>() {
                    let _ = menu.focus();
                }
            }
        }
    };
    html! {
        <nav class="nav" aria-label="Main" {onkeydown}>
            <button
                type="button"
                class="nav-menu button button-quiet"
                aria-expanded={if *open { "true" } else { "false" }}
                aria-controls="nav-links"
                onclick={toggle}
                ref={menu}
            >
                {"Menu"}
            </button>
            <ul id="nav-links" class={classes!("nav-links", open.then_some("nav-links-open"))}>
                {if props.signed_in { signed_in(props) } else { signed_out(props) }}
            </ul>
        </nav>
    }
}

fn signed_out(props: &NavBarProps) -> Html {
    html! {
        <>
            <li>{link(props, Route::Login, "Log in")}</li>
            <li>{link(props, Route::Signup, "Sign up")}</li>
        </>
    }
}

fn signed_in(props: &NavBarProps) -> Html {
    let onclick = pressed(props.onlogout.clone());
    html! {
        <>
            <li>{link(props, Route::Private, "Your account")}</li>
            <li>{link(props, Route::Settings, "Settings")}</li>
            <li>
                <button
                    type="button"
                    class="button button-quiet"
                    disabled={props.ending}
                    aria-busy={props.ending.then_some("true")}
                    {onclick}
                >
                    {if props.ending { "Logging out…" } else { "Log out" }}
                </button>
            </li>
        </>
    }
}

fn link(props: &NavBarProps, to: Route, text: &'static str) -> Html {
    let current = props.current == to;
    Link { current, class: Some("nav-link"), ..Link::to(to) }.show(html! { text })
}
