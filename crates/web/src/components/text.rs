use yew::prelude::*;

/// Renders a text that may change while it is shown.
///
/// Page translation replaces text nodes with elements of its own, and a change of the original node
/// is then not visible. With its text as the key, the element is replaced together with everything
/// that the translation has put into it.
pub fn text(text: impl Into<AttrValue>) -> Html {
    let text = text.into();
    html! { <span key={&*text}>{&text}</span> }
}
