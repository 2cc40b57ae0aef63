use std::fmt;

use web_sys::{HtmlElement, HtmlInputElement};
use yew::prelude::*;

use super::{Alert, EmailField, PasswordField};
use crate::browser;
use crate::messages::FieldProblem;

/// What was typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Why the form did not do what it is for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// What is wrong with the e-mail address.
    pub email: Option<FieldProblem>,
    /// What is wrong with the password.
    pub password: Option<FieldProblem>,
    /// What concerns the form as a whole.
    pub form: Option<AttrValue>,
    /// Whether the password has to be typed again.
    pub forget_password: bool,
}

/// How far the form has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Whether the server has not answered yet.
    pub busy: bool,
    /// How many times it was tried.
    pub attempts: u32,
    /// How the last try ended.
    pub failure: Failure,
}

/// Properties of [`CredentialsForm`].
#[derive(Properties, PartialEq)]
pub struct CredentialsFormProps {
    /// What the button reads.
    pub submit: &'static str,
    /// What the button reads while the server is asked.
    pub submitting: &'static str,
    /// `new-password` or `current-password`.
    pub autocomplete: &'static str,
    /// What to know before choosing a password.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// The e-mail address to begin with.
    #[prop_or_default]
    pub email: AttrValue,
    /// How far it has come.
    pub progress: Progress,
    /// The user has filled it in.
    pub onsubmit: Callback<Credentials>,
    /// The user follows the link to the log-in page.
    #[prop_or_default]
    pub onlogin: Option<Callback<()>>,
}

/// E-mail and password, to sign up or to log in with.
///
/// The inputs keep what is typed, and a password is nowhere else until it is sent.
#[component]
pub fn CredentialsForm(props: &CredentialsFormProps) -> Html {
    let CredentialsFormProps { progress, hint, onlogin, .. } = props;
    let Failure { email, password, form, .. } = &progress.failure;
    let elements = Elements {
        form: use_node_ref(),
        email: use_node_ref(),
        password: use_node_ref(),
        submit: use_node_ref(),
    };
    use_effect_with(progress.clone(), {
        let elements = elements.clone();
        move |progress| elements.attend_to(progress)
    });
    let onsubmit = {
        let (elements, onsubmit) = (elements.clone(), props.onsubmit.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(credentials) = elements.credentials() {
                onsubmit.emit(credentials);
            }
        }
    };
    html! {
        <form class="form" method="post" novalidate=true {onsubmit} ref={elements.form}>
            <EmailField
                initial={&props.email}
                problem={*email}
                input={elements.email}
                onlogin={onlogin.clone()}
            />
            <PasswordField
                autocomplete={props.autocomplete}
                hint={hint.clone()}
                problem={*password}
                input={elements.password}
                busy={progress.busy}
            />
            // Next to the button: in a small window, what is further up may be out of sight.
            if let Some(text) = form {
                <Alert><p>{text}</p></Alert>
            }
            <button
                type="submit"
                class="button button-wide"
                disabled={progress.busy}
                aria-busy={progress.busy.then_some("true")}
                ref={elements.submit}
            >
                {if progress.busy { props.submitting } else { props.submit }}
            </button>
        </form>
    }
}

#[derive(Clone)]
struct Elements {
    form: NodeRef,
    email: NodeRef,
    password: NodeRef,
    submit: NodeRef,
}

impl Elements {
    fn credentials(&self) -> Option<Credentials> {
        let email = self.email.cast::<HtmlInputElement>()?.value();
        let password = self.password.cast::<HtmlInputElement>()?.value();
        Some(Credentials { email, password })
    }

    /// Leads to what has to be done after a try that failed.
    fn attend_to(&self, progress: &Progress) {
        let Progress { busy, attempts, failure } = progress;
        if *busy || *attempts == 0 || *failure == Failure::default() {
            return;
        }
        if failure.forget_password
            && let Some(password) = self.password.cast::<HtmlInputElement>()
        {
            password.set_value("");
        }
        let target: Option<HtmlElement> = if failure.email.is_some() {
            self.email.cast()
        } else if failure.password.is_some() || failure.forget_password {
            self.password.cast()
        } else if self.has_focus() {
            None
        } else {
            self.submit.cast()
        };
        if let Some(target) = target {
            let _ = target.focus();
        }
    }

    /// The button that was pressed has lost it: what is disabled has no focus.
    fn has_focus(&self) -> bool {
        self.form.cast().is_some_and(|form| browser::has_focus_within(&form))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}
