use yew::prelude::*;

/// Renders an error, which screen readers announce at once.
pub fn alert(content: Html) -> Html {
    html! { <div role="alert" class="notice notice-alert">{content}</div> }
}

/// Renders a success message, which screen readers announce when they are idle.
///
/// Without `text`, this renders an empty element, because screen readers announce a message most
/// reliably if it appears in an existing element.
pub fn status(text: Option<AttrValue>) -> Html {
    let class = if text.is_some() { "notice notice-status" } else { "notice-silent" };
    html! {
        <div role="status" {class}>
            if let Some(text) = text {
                <p>{text}</p>
            }
        </div>
    }
}
