use auth_core::PasswordPolicy;
use yew::prelude::*;
use yew_router::history::AnyHistory;
use yew_router::{Router, Switch};
use yew_session::{Session, SessionProvider, User};

use crate::frame::Frame;
use crate::guards::{FromMail, PrivateOnly, SignedOutOnly};
use crate::mail::Mail;
use crate::pages::{
    EmailLogin, Forgot, Home, Login, NotFound, Private, Reset, Settings, Signup, StepUp, Verify,
};
use crate::routes::Route;
use crate::sign_up::SignUp;
use crate::site::site;
use crate::webauthn::Passkeys;

/// Properties of [`App`].
#[derive(Properties, PartialEq)]
pub struct AppProps {
    /// The browser's history, or an in-memory history in tests.
    pub history: AnyHistory,
    /// The server's rules for a new password.
    pub password_policy: PasswordPolicy,
    /// The sign-up setting of the server.
    pub sign_up: SignUp,
    /// The mail setting of the server.
    pub mail: Mail,
    /// The support for passkeys on this page.
    pub passkeys: Passkeys,
    /// The initial state of the session, before the server's first response.
    pub session: Session,
}

/// The whole application.
#[component]
pub fn App(props: &AppProps) -> Html {
    let (sign_up, passkeys) = (props.sign_up, props.passkeys);
    let options =
        PageOptions { policy: props.password_policy, sign_up, mail: props.mail, passkeys };
    let render = use_callback(options, |route, options| switch(route, *options));
    html! {
        <Router history={props.history.clone()}>
            <SessionProvider initial={props.session.clone()} shared_cookie={site().after_log_in.is_some()}>
                <Frame {sign_up}>
                    <Switch<Route> {render} />
                </Frame>
                <StepUp {passkeys} />
            </SessionProvider>
        </Router>
    }
}

/// The options of the server and the browser that the pages depend on.
#[derive(Clone, Copy, PartialEq)]
struct PageOptions {
    policy: PasswordPolicy,
    sign_up: SignUp,
    mail: Mail,
    passkeys: Passkeys,
}

/// Returns the page of a route, with its guard.
fn switch(route: Route, options: PageOptions) -> Html {
    let PageOptions { policy, sign_up, mail, passkeys } = options;
    match route {
        Route::Forgot | Route::Reset | Route::Verify if mail == Mail::Off => {
            html! { <NotFound /> }
        }
        Route::EmailLogin if mail != Mail::WithSignIn => html! { <NotFound /> },
        _ if route.page_of_app().is_some() => html! { <NotFound /> },
        Route::Home => html! { <Home {sign_up} /> },
        Route::Signup => {
            let render = move |()| html! { <Signup {policy} {sign_up} /> };
            html! { <FromMail key="signup" {route}><SignedOutOnly {render} /></FromMail> }
        }
        Route::Login => {
            let render = move |()| html! { <Login {sign_up} {mail} {passkeys} /> };
            html! { <SignedOutOnly {render} /> }
        }
        Route::EmailLogin => {
            let render = move |()| html! { <EmailLogin {passkeys} /> };
            html! { <SignedOutOnly {render} /> }
        }
        Route::Forgot => html! { <Forgot /> },
        Route::Reset => html! { <FromMail {route}><Reset {policy} /></FromMail> },
        Route::Verify => {
            let render = |user: User| html! { <Verify {user} /> };
            html! { <FromMail key="verify" {route}><PrivateOnly {render} /></FromMail> }
        }
        // Without keys, Yew would use one guard for both pages and keep its state. With keys,
        // the session is checked again at each navigation.
        Route::Private => {
            let render = move |user: User| html! { <Private {user} {mail} /> };
            html! { <PrivateOnly key="private" {render} /> }
        }
        Route::Settings => {
            let render = move |user: User| html! { <Settings {user} {policy} {mail} {passkeys} /> };
            html! { <PrivateOnly key="settings" {render} /> }
        }
        Route::NotFound => html! { <NotFound /> },
    }
}
