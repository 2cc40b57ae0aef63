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
