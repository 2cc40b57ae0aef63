//! Times in the user's time zone.

use js_sys::{Date, Function, Object, Reflect};
use wasm_bindgen::{JsCast as _, JsValue};

use crate::browser;

/// Formats a time in the user's time zone and in English, the language of the pages. If the browser
/// is set to a variety of English, such as British English, that variety is used. `styles` are
/// options of `Intl.DateTimeFormat`.
pub(super) fn localized(time: &str, styles: &[(&str, &str)]) -> Option<String> {
    let date = parse(time)?;
    let options = Object::new();
    for (name, style) in styles {
        Reflect::set(&options, &JsValue::from_str(name), &JsValue::from_str(style)).ok()?;
    }
    let english = browser::language().filter(|language| language.starts_with("en"));
    english
        .and_then(|language| format(&date, &language, &options))
        .or_else(|| format(&date, "en", &options))
}

/// Formats a time in a language, or returns `None` if the language is not a BCP 47 tag. Some
/// browsers report such a language, for example `en-US@posix`.
///
/// The binding of `toLocaleString` in js-sys does not catch the exception.
fn format(date: &Date, language: &str, options: &Object) -> Option<String> {
    let method: Function = Reflect::get(date, &"toLocaleString".into()).ok()?.dyn_into().ok()?;
    method.call2(date, &language.into(), options).ok()?.as_string()
}

/// Returns the number of seconds since a time.
#[expect(clippy::cast_possible_truncation, reason = "no age has 2^63 seconds")]
pub(super) fn seconds_since(time: &str) -> Option<i64> {
    let milliseconds = Date::now() - parse(time)?.get_time();
    Some((milliseconds / 1_000.0) as i64)
}

/// Returns the date of a time in UTC.
pub(super) fn day_in_utc(time: &str) -> &str {
    time.split('T').next().unwrap_or_default()
}

fn parse(time: &str) -> Option<Date> {
    let date = Date::new(&JsValue::from_str(time));
    (!date.get_time().is_nan()).then_some(date)
}
