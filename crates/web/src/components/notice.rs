use yew::prelude::*;

/// Something that went wrong, read out at once.
pub fn alert(what: Html) -> Html {
    html! { <div role="alert" class="notice notice-alert">{what}</div> }
}

/// Something that went well, if there is something to say by now, read out when there is time. A
/// place that is there before its text is read out the most reliably.
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
