use web_sys::HtmlElement;
use yew::prelude::*;

use super::busy_button::pressed;
use super::link::{Link, account_link};
use super::text::text as changing_text;
use crate::browser;
use crate::routes::Route;
use crate::sign_up::SignUp;

/// Properties of [`NavBar`].
#[derive(Properties, PartialEq)]
pub struct NavBarProps {
    /// The current page.
    pub current: Route,
    /// Changes with every navigation.
    pub visit: u32,
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
    /// `true` if there may be a session.
    pub signed_in: bool,
    /// `true` if the session is being ended.
    pub ending: bool,
    /// Called when the user logs out.
    pub onlogout: Callback<()>,
    /// Called instead of following a link to the log-in page or the sign-up page, if the current
    /// page passes what was entered on to them.
    pub onlogin: Option<Callback<Route>>,
}

/// The navigation, behind a menu button on narrow screens.
#[component]
pub fn NavBar(props: &NavBarProps) -> Html {
    let open = use_state(|| false);
    let menu = use_node_ref();
    // A navigation closes the menu.
    use_effect_with(props.visit, {
        let open = open.setter();
        move |_| open.set(false)
    });

    let onstay = {
        let open = open.setter();
        Callback::from(move |()| {
            open.set(false);
            browser::focus_page();
            browser::scroll_to_top();
        })
    };
    let toggle = {
        let open = open.clone();
        move |_| open.set(!*open)
    };
    let onkeydown = {
        let (open, menu) = (open.clone(), menu.clone());
        move |event: KeyboardEvent| {
            if *open && browser::is_key(&event, "Escape") {
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
                {if props.signed_in { signed_in(props, &onstay) } else { signed_out(props, &onstay) }}
            </ul>
        </nav>
    }
}

// The keys of the items make Yew replace them. If it changed their texts in place, the change would
// not be visible on a page that the browser has translated.

fn signed_out(props: &NavBarProps, onstay: &Callback<()>) -> Html {
    html! {
        <>
            <li key="login">{link(props, Route::Login, "Log in", onstay)}</li>
            if props.sign_up == SignUp::On {
                <li key="signup">{link(props, Route::Signup, "Sign up", onstay)}</li>
            }
        </>
    }
}

fn signed_in(props: &NavBarProps, onstay: &Callback<()>) -> Html {
    let onclick = pressed(props.onlogout.clone());
    html! {
        <>
            <li key="private">{link(props, Route::Private, account_link("Your account", "Back to"), onstay)}</li>
            <li key="settings">{link(props, Route::Settings, "Settings", onstay)}</li>
            <li key="log-out">
                <button
                    type="button"
                    class="button button-quiet"
                    disabled={props.ending}
                    aria-busy={props.ending.then_some("true")}
                    {onclick}
                >
                    {changing_text(if props.ending { "Logging out…" } else { "Log out" })}
                </button>
            </li>
        </>
    }
}

/// Renders a link. A link to the current page closes the menu and moves to the top of the page.
fn link(props: &NavBarProps, to: Route, text: impl Into<AttrValue>, onstay: &Callback<()>) -> Html {
    let text = text.into();
    let current = props.current == to;
    let onfollow = match &props.onlogin {
        _ if current => Some(onstay.clone()),
        Some(onlogin) if matches!(to, Route::Login | Route::Signup) => {
            Some(onlogin.reform(move |()| to))
        }
        _ => None,
    };
    html! { <Link {to} {current} class="nav-link" {onfollow}>{text}</Link> }
}
