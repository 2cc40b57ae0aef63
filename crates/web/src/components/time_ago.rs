use yew::prelude::*;

use super::local_time::{day_in_utc, in_words, seconds_since};
use crate::words;

/// Properties of [`TimeAgo`].
#[derive(Properties, PartialEq)]
pub struct TimeAgoProps {
    /// A time as RFC 3339 has it.
    pub time: AttrValue,
}

/// How long ago a time was when it was first shown; to the pointer, when that was.
///
/// It is the day in UTC for as long as no browser has had a look at it.
#[component]
pub fn TimeAgo(props: &TimeAgoProps) -> Html {
    let time = &props.time;
    let text = use_state(|| None);
    let title = use_state(|| None);
    use_effect_with(time.clone(), {
        let (text, title) = (text.setter(), title.setter());
        move |time| {
            text.set(seconds_since(time).map(words::ago));
            title.set(in_words(time, &[("dateStyle", "long"), ("timeStyle", "short")]));
        }
    });
    let title = title.as_deref().unwrap_or(time).to_owned();
    html! {
        <time datetime={time} {title}>
            {text.as_deref().unwrap_or_else(|| day_in_utc(time))}
        </time>
    }
}
