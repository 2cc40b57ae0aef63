use js_sys::{Date, Object, Reflect};
use wasm_bindgen::JsValue;
use yew::prelude::*;

use crate::browser;

/// Properties of [`LocalDate`].
#[derive(Properties, PartialEq)]
pub struct LocalDateProps {
    /// A time as RFC 3339 has it.
    pub time: AttrValue,
}

/// The day of a time in the reader's time zone, as the reader's kind of English writes it:
/// the page around it is English.
///
/// It is the day in UTC for as long as no browser has had a look at it.
#[component]
pub fn LocalDate(props: &LocalDateProps) -> Html {
    let text = use_state(|| None);
    use_effect_with(props.time.clone(), {
        let text = text.setter();
        move |time| text.set(in_words(time))
    });
    let day_in_utc = props.time.split('T').next().unwrap_or_default();
    html! { <time datetime={&props.time}>{text.as_deref().unwrap_or(day_in_utc)}</time> }
}

fn in_words(time: &str) -> Option<String> {
    let date = Date::new(&JsValue::from_str(time));
    if date.get_time().is_nan() {
        return None;
    }
    let options = Object::new();
    Reflect::set(&options, &"dateStyle".into(), &"long".into()).ok()?;
    let english = browser::language().filter(|language| language.starts_with("en"));
    let language = english.unwrap_or_else(|| "en".to_owned());
    Some(date.to_locale_date_string(&language, &options).into())
}
