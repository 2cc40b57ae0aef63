use yew::prelude::*;

use super::local_time::{day_in_utc, localized, seconds_since};
use super::text::text as changing_text;
use crate::format;

/// Properties of [`TimeAgo`].
#[derive(Properties, PartialEq)]
pub struct TimeAgoProps {
    /// A time in RFC 3339 format.
    pub time: AttrValue,
}

/// The age of a time, such as `5 minutes ago`, with the time itself as a tooltip. The age is not
/// updated while it is shown. The first render shows the date in UTC instead of the age.
#[component]
pub fn TimeAgo(props: &TimeAgoProps) -> Html {
    let time = &props.time;
    let text = use_state(|| None);
    let title = use_state(|| None);
    use_effect_with(time.clone(), {
        let (text, title) = (text.setter(), title.setter());
        move |time| {
            text.set(seconds_since(time).map(format::time_ago));
            title.set(localized(time, &[("dateStyle", "long"), ("timeStyle", "short")]));
        }
    });
    let title = title.as_deref().unwrap_or(time).to_owned();
    let text = text.as_deref().unwrap_or_else(|| day_in_utc(time));
    html! { <time datetime={time} {title}>{changing_text(text.to_owned())}</time> }
}
