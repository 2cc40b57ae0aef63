use yew::prelude::*;

/// Renders an error, which screen readers announce at once.
pub fn alert(what: Html) -> Html {
    html! { <div role="alert" class="notice notice-alert">{what}</div> }
}

/// Renders a success, which screen readers announce when they are idle. Without a text it renders
/// an empty element: a text that appears in an existing one is announced most reliably.
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
