use yew::prelude::*;
use yew_session::use_session;

use super::remote_list::{show, use_remote_list};
use crate::api;
use crate::components::ActivityList;

const HEADING: &str = "settings-activity";

#[derive(Properties, PartialEq)]
pub(super) struct ActivitySectionProps {
    /// Changes whenever there may be new events.
    pub(super) version: u32,
}

#[component]
pub(super) fn ActivitySection(props: &ActivitySectionProps) -> Html {
    let session = use_session();
    let (events, reload) = use_remote_list(HEADING, props.version, async move || {
        session.authorized(api::activity()).await
    });
    html! {
        <section class="setting" aria-labelledby={HEADING}>
            <h2 id={HEADING} tabindex="-1">{"Recent activity"}</h2>
            <p>{"If you do not recognise something here, change your password."}</p>
            {show(&events, HEADING, &reload, |activity| html! {
                <ActivityList events={activity.events.clone()} />
            })}
        </section>
    }
}
