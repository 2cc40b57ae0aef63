use yew::prelude::*;

/// Properties of [`Alert`] and [`Status`].
#[derive(Properties, PartialEq)]
pub struct NoticeProps {
    /// What it says.
    pub children: Html,
}

/// Something that went wrong, read out at once.
#[component]
pub fn Alert(props: &NoticeProps) -> Html {
    html! { <div role="alert" class="notice notice-alert">{props.children.clone()}</div> }
}

/// Something that went well, read out when there is time.
#[component]
pub fn Status(props: &NoticeProps) -> Html {
    html! { <div role="status" class="notice notice-status">{props.children.clone()}</div> }
}
