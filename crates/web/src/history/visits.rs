//! The browser's history.
//!
//! What a page is told stays in this tab's memory: an entry of the history has no more than a
//! number of it, for the browser writes its history to the disk.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::EventListener;
use js_sys::Date;
use wasm_bindgen::JsValue;
use web_sys::History;
use yew::prelude::*;

use super::Location;

#[derive(Default)]
struct Visits {
    /// What was told, by the number of the entry.
    told: RefCell<Vec<(f64, Rc<dyn Any>)>>,
    last_number: Cell<f64>,
    /// Who is to know of a move.
    listener: RefCell<Option<Callback<()>>>,
}

thread_local! {
    static VISITS: Visits = Visits::default();
}

/// Where the browser is.
#[must_use]
pub fn current() -> Location {
    let Some(location) = web_sys::window().map(|window| window.location()) else {
        return Location::default();
    };
    // That of an entry that was not made here is none.
    let entry = history().and_then(|history| history.state().ok()?.as_f64());
    Location {
        path: location.pathname().unwrap_or_default(),
        query: location.search().unwrap_or_default(),
        hash: location.hash().unwrap_or_default(),
        told: entry.and_then(|entry| VISITS.with(|visits| visits.told_at(entry))),
        entry,
        visit: 0,
    }
}

/// Goes to an address, and tells its page something.
pub(crate) fn push(url: &str, told: Option<Rc<dyn Any>>) {
    enter(url, told, History::push_state_with_url);
}

/// Puts an address in the place of the current one, and tells its page something.
pub(crate) fn replace(url: &str, told: Option<Rc<dyn Any>>) {
    enter(url, told, History::replace_state_with_url);
}

type Enter = fn(&History, &JsValue, &str, Option<&str>) -> Result<(), JsValue>;

fn enter(url: &str, told: Option<Rc<dyn Any>>, enter: Enter) {
    let number = VISITS.with(|visits| visits.number_for(told));
    let Some(history) = history() else { return };
    // It fails where the browser takes so many moves at once for an attack; then none is made.
    if enter(&history, &number.into(), "", Some(url)).is_ok() {
        let listener = VISITS.with(|visits| visits.listener.borrow().clone());
        if let Some(listener) = listener {
            listener.emit(());
        }
    }
}

impl Visits {
    /// A number for an entry that no entry before has, those of earlier page loads included.
    fn number_for(&self, told: Option<Rc<dyn Any>>) -> f64 {
        let number = Date::now().max(self.last_number.get() + 1.0);
        self.last_number.set(number);
        self.told.borrow_mut().extend(told.map(|told| (number, told)));
        number
    }

    fn told_at(&self, number: f64) -> Option<Rc<dyn Any>> {
        let told = self.told.borrow();
        told.iter().find(|(of, _)| *of == number).map(|(_, told)| told.clone())
    }
}

fn history() -> Option<History> {
    web_sys::window()?.history().ok()
}

/// Where the application is: at `start`, until it moves.
#[hook]
pub(crate) fn use_visits(start: &Location) -> Location {
    let location = use_state(|| start.clone());
    use_effect_with((), {
        let (setter, last) = (location.setter(), RefCell::new(start.clone()));
        let start = start.entry;
        move |()| {
            let moved = Callback::from(move |()| {
                let here = current().after(&last.borrow());
                last.replace(here.clone());
                setter.set(here);
            });
            VISITS.with(|visits| visits.listener.replace(Some(moved.clone())));
            // A page's own effects come before this one, and may have moved on already.
            if current().entry != start {
                moved.emit(());
            }
            // What the browser's own buttons do.
            let returns = web_sys::window()
                .map(|window| EventListener::new(&window, "popstate", move |_| moved.emit(())));
            move || {
                drop(returns);
                VISITS.with(|visits| visits.listener.take());
            }
        }
    });
    (*location).clone()
}
