use api_types::ActivityEvent;
use yew::prelude::*;

use super::TimeAgo;
use crate::words;

/// Properties of [`ActivityList`].
#[derive(Properties, PartialEq)]
pub struct ActivityListProps {
    /// What has happened, the last first.
    pub events: Vec<ActivityEvent>,
}

/// How many are shown unless all are asked for.
const FEW: usize = 10;

/// What has happened to an account.
#[component]
pub fn ActivityList(props: &ActivityListProps) -> Html {
    let events = &props.events;
    let all = use_state(|| false);
    let shown = if *all { events.len() } else { FEW };
    let onclick = {
        let all = all.clone();
        move |_| all.set(!*all)
    };
    html! {
        <>
            <dl class="activity">{for events.iter().take(shown).map(item)}</dl>
            if events.len() > FEW {
                <p>
                    <button type="button" class="button button-quiet" {onclick}>
                        {if *all { "Show fewer".to_owned() } else { format!("Show all {}", events.len()) }}
                    </button>
                </p>
            }
        </>
    }
}

fn item(event: &ActivityEvent) -> Html {
    // An operator's place is nobody's business.
    let from = (event.ip.is_some() || event.user_agent.is_some()).then(|| {
        let place = words::place(event.ip.as_deref());
        format!(" from {place}, {}", words::device(event.user_agent.as_deref()))
    });
    html! {
        <div class="event">
            <dt>{words::activity(event)}</dt>
            <dd><TimeAgo time={event.at.clone()} />{from}</dd>
        </div>
    }
}
