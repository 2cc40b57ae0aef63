use yew::prelude::*;

use super::form::Form;
use super::form_data::FormData;
use super::progress::Progress;
use super::text_field::{TextContent, TextField};

/// Properties of [`CodeForm`].
#[derive(Properties, PartialEq)]
pub struct CodeFormProps {
    /// The text of the button.
    pub submit: &'static str,
    /// The text of the button while the request is pending.
    pub submitting: &'static str,
    /// The code from the link that has opened the page.
    #[prop_or_default]
    pub initial: AttrValue,
    /// The state of the submission.
    pub progress: Progress,
    /// Called when the user submits the form.
    pub onsubmit: Callback<FormData>,
}

/// A form for a code from a mail. The name and id of the input are [`CodeForm::FIELD`].
#[component]
pub fn CodeForm(props: &CodeFormProps) -> Html {
    let CodeFormProps { submit, submitting, initial, progress, onsubmit } = props;
    html! {
        <Form {submit} {submitting} progress={progress.clone()} {onsubmit}>
            <TextField
                name={CodeForm::FIELD}
                label="Code"
                content={TextContent::Code}
                {initial}
                problem={progress.failure.at(CodeForm::FIELD)}
            />
        </Form>
    }
}

impl CodeForm {
    /// The name and id of the input.
    pub const FIELD: &'static str = "code";
}
