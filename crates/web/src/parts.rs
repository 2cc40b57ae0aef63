//! The application in parts, of which a first visit downloads one: modules of WebAssembly that
//! are cut off where `wasm_split` says so. What nothing but such a function leads to is in its
//! part.

use std::cell::Cell;
use std::thread::LocalKey;

use api_types::User;
use auth_core::PasswordPolicy;
use futures_util::FutureExt as _;
use wasm_bindgen_futures::spawn_local;
use wasm_split_helpers::{SplitLoaderError, wasm_split};
use yew::prelude::*;

use crate::history::Location;
use crate::pages::{AccountPage, LoginPage, SettingsPage, SignupPage};
use crate::route::Route;

/// What shows the pages with forms at which somebody comes in.
#[derive(Clone, Copy)]
pub(crate) struct Entrance {
    pub(crate) login: fn(Location) -> Html,
    pub(crate) signup: fn(PasswordPolicy) -> Html,
}

/// What shows the pages behind a log-in.
#[derive(Clone, Copy)]
pub(crate) struct Private {
    pub(crate) account: fn(User) -> Html,
    pub(crate) settings: fn(User, PasswordPolicy) -> Html,
}

/// A part could not be downloaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotLoaded;

impl From<SplitLoaderError> for NotLoaded {
    fn from(_: SplitLoaderError) -> Self {
        Self
    }
}

#[wasm_split(entrance, fallible)]
fn entrance() -> Result<Entrance, NotLoaded> {
    Ok(Entrance {
        login: |location| html! { <LoginPage {location} /> },
        signup: |policy| html! { <SignupPage {policy} /> },
    })
}

#[wasm_split(private, fallible)]
fn private() -> Result<Private, NotLoaded> {
    Ok(Private {
        account: |user| html! { <AccountPage {user} /> },
        settings: |user, policy| html! { <SettingsPage {user} {policy} /> },
    })
}

/// Something that is downloaded when it is needed.
pub(crate) trait Part: Copy + 'static {
    /// Where it is kept once it is here.
    const PLACE: &'static LocalKey<Cell<Option<Self>>>;

    /// Downloads it. What has failed can be tried again.
    async fn download() -> Result<Self, NotLoaded>;
}

thread_local! {
    static ENTRANCE: Cell<Option<Entrance>> = const { Cell::new(None) };
    static PRIVATE: Cell<Option<Private>> = const { Cell::new(None) };
}

impl Part for Entrance {
    const PLACE: &'static LocalKey<Cell<Option<Self>>> = &ENTRANCE;

    async fn download() -> Result<Self, NotLoaded> {
        entrance().await
    }
}

impl Part for Private {
    const PLACE: &'static LocalKey<Cell<Option<Self>>> = &PRIVATE;

    async fn download() -> Result<Self, NotLoaded> {
        private().await
    }
}

/// A part, if it is here. Where there is no WebAssembly, nothing is cut off.
fn at_hand<P: Part>() -> Option<P> {
    let whole = cfg!(not(target_family = "wasm"));
    P::PLACE.get().or_else(|| whole.then(|| P::download().now_or_never()?.ok())?)
}

async fn load<P: Part>() -> Result<P, NotLoaded> {
    if let Some(part) = at_hand() {
        return Ok(part);
    }
    let part = P::download().await?;
    P::PLACE.set(Some(part));
    Ok(part)
}

/// Downloads what the page at `route` needs, for somebody who may be about to go there. Where
/// that fails, it is tried again when they do.
pub(crate) fn expect_visit(route: Route) {
    if matches!(route, Route::Login | Route::Signup) && at_hand::<Entrance>().is_none() {
        spawn_local(async {
            let _ = load::<Entrance>().await;
        });
    }
}

/// A part, which is downloaded if it is `wanted`, and what tries that once more.
#[hook]
pub(crate) fn use_part<P: Part>(wanted: bool) -> (Option<Result<P, NotLoaded>>, Callback<()>) {
    let part = use_state(|| at_hand().map(Ok));
    let download = {
        let part = part.setter();
        Callback::from(move |()| {
            let part = part.clone();
            part.set(None);
            spawn_local(async move { part.set(Some(load().await)) });
        })
    };
    let is_missing = part.is_none();
    use_effect_with(wanted, {
        let download = download.clone();
        move |wanted| {
            if *wanted && is_missing {
                download.emit(());
            }
        }
    });
    (*part, download)
}
