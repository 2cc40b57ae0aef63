use yew::prelude::*;

use super::notice::alert;
use super::page_title::use_document_title;
use super::retry::use_retry_when_online;
use crate::browser;

/// Properties of [`ErrorPage`].
#[derive(Properties, PartialEq)]
pub struct ErrorPageProps {
    /// The heading, which is also the title of the document.
    pub title: &'static str,
    /// The description of the error.
    pub text: AttrValue,
    /// Called when the user tries again, or when the browser is online again.
    pub onretry: Callback<()>,
}

/// An error in place of a page, with a button to try again.
///
/// The button has the focus after every failure, so that Enter tries again.
#[component]
pub fn ErrorPage(props: &ErrorPageProps) -> Html {
    let ErrorPageProps { title, text, onretry } = props;
    let button = use_node_ref();
    // The button is removed while the page is loading, which would lose the focus.
    let retry = onretry.reform(|()| browser::focus_main());
    use_document_title(title);
    let retry_when_online = {
        let button = button.clone();
        onretry.reform(move |()| {
            if button.cast().is_some_and(|button| browser::has_focus_within(&button)) {
                browser::focus_main();
            }
        })
    };
    use_retry_when_online(Some(retry_when_online));
    use_effect_with((), {
        let button = button.clone();
        move |()| {
            if browser::has_lost_focus() {
                browser::focus(button.cast());
            }
        }
    });
    html! {
        <article class="page page-narrow">
            <h1 tabindex="-1">{title}</h1>
            {alert(text)}
            <p>
                <button type="button" class="button" onclick={retry.reform(|_| ())} ref={button}>
                    {"Try again"}
                </button>
            </p>
        </article>
    }
}
