use yew::prelude::*;

use super::local_time::{day_in_utc, localized};
use super::text::text as changing_text;

/// Properties of [`LocalDate`].
#[derive(Properties, PartialEq)]
pub struct LocalDateProps {
    /// A time in RFC 3339 format.
    pub time: AttrValue,
}

/// The date of a time, in the user's time zone. The first render shows the date in UTC.
#[component]
pub fn LocalDate(props: &LocalDateProps) -> Html {
    let time = &props.time;
    let text = use_state(|| None);
    use_effect_with(time.clone(), {
        let text = text.setter();
        move |time| text.set(localized(time, &[("dateStyle", "long")]))
    });
    let text = text.as_deref().unwrap_or_else(|| day_in_utc(time));
    html! { <time datetime={time}>{changing_text(text.to_owned())}</time> }
}
