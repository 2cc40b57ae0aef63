use api_types::ActivityEvent;
use yew::prelude::*;

use super::text::text;
use super::time_ago::TimeAgo;
use crate::format;

/// Properties of [`ActivityList`].
#[derive(Properties, PartialEq)]
pub struct ActivityListProps {
    /// The audit events, newest first.
    pub events: Vec<ActivityEvent>,
}

/// The number of events that are shown at first.
const INITIAL: usize = 10;

/// The audit events of an account.
#[component]
pub fn ActivityList(props: &ActivityListProps) -> Html {
    let events = &props.events;
    let all = use_state(|| false);
    let shown = if *all { events.len() } else { INITIAL };
    let onclick = {
        let all = all.clone();
        move |_| all.set(!*all)
    };
    html! {
        <>
            <dl class="activity">{for events.iter().take(shown).map(item)}</dl>
            if events.len() > INITIAL {
                <p>
                    <button type="button" class="button button-quiet" {onclick}>
                        {text(if *all { "Show fewer".to_owned() } else { format!("Show all {}", events.len()) })}
                    </button>
                </p>
            }
        </>
    }
}

fn item(event: &ActivityEvent) -> Html {
    // An event that an operator caused has neither an IP address nor a user agent.
    let from = (event.ip.is_some() || event.user_agent.is_some()).then(|| {
        let ip = format::ip(event.ip.as_deref());
        text(format!(" from {ip} · {}", format::device(event.user_agent.as_deref())))
    });
    html! {
        <div class="event">
            <dt>{text(format::activity(event))}</dt>
            <dd><TimeAgo time={event.at.clone()} />{from}</dd>
        </div>
    }
}
