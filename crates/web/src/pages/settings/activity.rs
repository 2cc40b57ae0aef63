use yew::prelude::*;

use super::listing::{show, use_listing};
use crate::api;
use crate::components::ActivityList;
use crate::session::use_session;

const HEADING: &str = "settings-activity";

#[derive(Properties, PartialEq)]
pub(super) struct ActivitySectionProps {
    /// Changes whenever something may have happened.
    pub(super) version: u32,
}

#[component]
pub(super) fn ActivitySection(props: &ActivitySectionProps) -> Html {
    let session = use_session();
    let (listing, reload) =
        use_listing(props.version, async move || session.authorized(api::activity).await);
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Recent activity"}</h2>
            <p>{"If something here was not you, change your password."}</p>
            {show(&listing, HEADING, &reload, |activity| html! {
                <ActivityList events={activity.events.clone()} />
            })}
        </section>
    }
}
