use yew::prelude::*;

use super::local_time::{day_in_utc, in_words};

/// Properties of [`LocalDate`].
#[derive(Properties, PartialEq)]
pub struct LocalDateProps {
    /// A time as RFC 3339 has it.
    pub time: AttrValue,
}

/// The day of a time in the reader's time zone.
///
/// It is the day in UTC for as long as no browser has had a look at it.
#[component]
pub fn LocalDate(props: &LocalDateProps) -> Html {
    let time = &props.time;
    let text = use_state(|| None);
    use_effect_with(time.clone(), {
        let text = text.setter();
        move |time| text.set(in_words(time, &[("dateStyle", "long")]))
    });
    html! { <time datetime={time}>{text.as_deref().unwrap_or_else(|| day_in_utc(time))}</time> }
}
