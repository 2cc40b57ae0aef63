use yew::prelude::*;

use crate::browser;

/// Names the document after the page that is shown, and gives the focus to its heading if
/// it waits on `main` for one: the page behind a guard comes later than the move to it.
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
    /// What the page is called.
    pub title: &'static str,
}

/// The same for a page that is no component of its own.
#[component]
pub fn PageTitle(props: &PageTitleProps) -> Html {
    use_page_title(props.title);
    Html::default()
}
