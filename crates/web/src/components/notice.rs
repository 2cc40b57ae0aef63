use yew::prelude::*;

/// Properties of [`Alert`].
#[derive(Properties, PartialEq)]
pub struct AlertProps {
    /// What it says.
    pub children: Html,
}

/// Properties of [`Status`].
#[derive(Properties, PartialEq)]
pub struct StatusProps {
    /// What it says, if there is something to say by now.
    pub text: Option<AttrValue>,
}

/// Something that went wrong, read out at once.
#[component]
pub fn Alert(props: &AlertProps) -> Html {
    html! { <div role="alert" class="notice notice-alert">{props.children.clone()}</div> }
}

/// Something that went well, read out when there is time. A place that is there before its
/// text is read out the most reliably.
#[component]
pub fn Status(props: &StatusProps) -> Html {
    let class = if props.text.is_some() { "notice notice-status" } else { "notice-silent" };
    html! {
        <div role="status" {class}>
            if let Some(text) = &props.text {
                <p>{text}</p>
            }
        </div>
    }
}
