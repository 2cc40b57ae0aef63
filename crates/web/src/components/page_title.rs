use yew::prelude::*;

use crate::browser;
use crate::site::site;

/// Sets the document's title, and moves the focus from `main` to the page's heading, or to the
/// element that the fragment of the URL names. After a navigation to a guarded page, `main` has the
/// focus until the page is shown.
#[hook]
pub fn use_page_title(title: &'static str) {
    use_document_title(title);
    use_effect_with((), |()| {
        browser::pass_focus_to_heading();
        browser::focus_fragment();
    });
}

/// Sets the document's title, and does not move the focus.
#[hook]
pub(super) fn use_document_title(title: &'static str) {
    use_effect_with(title, |title| browser::set_title(&format!("{title} · {}", site().name)));
}

/// Properties of [`PageTitle`].
#[derive(Properties, PartialEq)]
pub struct PageTitleProps {
    /// The title of the page.
    pub title: &'static str,
}

/// Calls [`use_page_title`] where a hook cannot be called.
#[component]
pub fn PageTitle(props: &PageTitleProps) -> Html {
    use_page_title(props.title);
    Html::default()
}
