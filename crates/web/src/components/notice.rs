use yew::prelude::*;

/// Renders an error, which screen readers announce at once.
pub fn alert(text: impl Into<AttrValue>) -> Html {
    let text = text.into();
    // The key makes a change of the text visible on a page that the browser has translated.
    html! {
        <div role="alert" class="notice notice-alert" key={&*text}><p>{&text}</p></div>
    }
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
                <p key={&*text}>{&text}</p>
            }
        </div>
    }
}
