use yew::prelude::*;

use crate::browser;

/// Sets the document's title, and moves the focus from `main` to the page's heading. After a
/// navigation to a guarded page, `main` has the focus until the page is shown.
#[hook]
pub fn use_page_title(title: &'static str) {
    use_effect_with(title, |title| {
        browser::set_title(&format!("{title} · Latchkey"));
        browser::pass_focus_to_heading();
    });
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
