use web::components::{
    CodeForm, CodeFormProps, Failure, Form, FormProps, PasswordField, PasswordFieldProps, Progress,
    TextContent, TextField, send_again,
};
use web::messages::FieldProblem;
use yew::{Callback, html};

use crate::html::{render, tag, text};

fn form(progress: Progress) -> String {
    let (email, password) = (progress.failure.at("email"), progress.failure.at("password"));
    let hint = "At least 12 characters";
    render::<Form>(FormProps {
        submit: "Sign up",
        submitting: "Signing up…",
        dangerous: false,
        progress,
        onsubmit: Callback::noop(),
        children: html! {
            <>
                <TextField
                    name="email"
                    label="E-mail"
                    content={TextContent::Username}
                    initial="ada@example.com"
                    problem={email}
                />
                <PasswordField autocomplete="new-password" {hint} problem={password} />
            </>
        },
    })
}

fn failed(failure: Failure) -> String {
    form(Progress { busy: false, attempts: 1, failure })
}

fn failed_at(field: &'static str, problem: FieldProblem) -> String {
    failed(Failure::from_fields([(field, Some(problem))]))
}

#[test]
fn an_untouched_form_has_no_error() {
    let html = form(Progress::default());
    assert!(!html.contains("aria-invalid") && !html.contains("role=\"alert\""), "{html}");
    assert!(!tag(&html, "type=\"submit\"").contains("disabled"));
}

#[test]
fn an_invalid_field_points_to_its_error() {
    let html = failed(Failure::from_fields([
        ("email", Some(FieldProblem::EmailInvalid)),
        ("password", Some(FieldProblem::PasswordTooShort(12))),
    ]));
    for (name, words) in [("email", "name@example.com"), ("password", "at least 12 characters")] {
        let input = tag(&html, &format!("name=\"{name}\""));
        assert!(input.contains("aria-invalid=\"true\""), "{input}");
        assert!(input.contains(&format!("aria-describedby=\"{name}-error\"")), "{input}");
        let id = format!("id=\"{name}-error\"");
        assert!(tag(&html, &id).contains("role=\"alert\""));
        assert!(text(&html, &id).contains(words));
    }
}

#[test]
fn only_the_invalid_field_is_marked() {
    let html = failed_at("password", FieldProblem::PasswordCommon);
    assert!(!tag(&html, "name=\"email\"").contains("aria-invalid"));
    assert_eq!(html.matches("role=\"alert\"").count(), 1);
}

#[test]
fn a_taken_email_offers_a_link_to_the_log_in_page() {
    let html = failed_at("email", FieldProblem::EmailTaken);
    let (_, error) = html.split_once("id=\"email-error\"").unwrap();
    assert!(error.split_once("</p>").unwrap().0.contains("href=\"/login\""), "{error}");
}

#[test]
fn an_error_about_the_whole_form_is_one_alert_inside_the_form() {
    let html = failed(Failure::from_form("Too many attempts. Try again in 2 minutes."));
    assert_eq!(html.matches("role=\"alert\"").count(), 1);
    let (_, alert) = html.split_once("role=\"alert\"").unwrap();
    assert!(alert.split_once("</div>").unwrap().0.contains("in 2 minutes"), "{alert}");
    assert!(!html.contains("aria-invalid"));
}

#[test]
fn a_pending_form_has_a_busy_and_disabled_button() {
    let html = form(Progress { busy: true, attempts: 1, ..Progress::default() });
    let button = tag(&html, "type=\"submit\"");
    assert!(button.contains("disabled") && button.contains("aria-busy=\"true\""), "{button}");
    assert_eq!(text(&html, "type=\"submit\""), "Signing up…");
}

#[test]
fn the_button_that_shows_a_password_does_not_submit() {
    let html = form(Progress::default());
    let (before, _) = html.split_once(">Show password</button>").unwrap();
    let button = &before[before.rfind('<').unwrap()..];
    assert!(button.contains("type=\"button\""), "{button}");
    assert!(tag(&html, "name=\"password\"").contains("type=\"password\""));
}

#[test]
fn the_email_field_is_a_text_input_with_an_email_keyboard() {
    let html = form(Progress::default());
    let input = tag(&html, "name=\"email\"");
    assert!(input.contains("type=\"text\"") && input.contains("inputmode=\"email\""), "{input}");
}

#[test]
fn the_ids_of_a_password_field_start_with_its_name() {
    let html = render::<PasswordField>(PasswordFieldProps {
        name: "new_password",
        id: None,
        label: "New password",
        autocomplete: "new-password",
        hint: None,
        problem: Some(FieldProblem::PasswordCommon),
        busy: false,
    });
    assert!(tag(&html, "<label").contains("for=\"new_password\""));
    assert_eq!(text(&html, "<label"), "New password");
    let input = tag(&html, "name=\"new_password\"");
    assert!(input.contains("id=\"new_password\""), "{input}");
    assert!(input.contains("aria-describedby=\"new_password-error\""), "{input}");
    assert!(html.contains("id=\"new_password-error\""));
    assert!(html.contains(">Show new password</button>"));
}

#[test]
fn a_destructive_form_has_a_danger_button() {
    let form = |dangerous| {
        render::<Form>(FormProps {
            submit: "Delete account",
            submitting: "Deleting…",
            dangerous,
            progress: Progress::default(),
            onsubmit: Callback::noop(),
            children: yew::Html::default(),
        })
    };
    assert!(tag(&form(true), "type=\"submit\"").contains("button-danger"));
    assert!(!form(false).contains("button-danger"));
}

fn code_form(failure: Failure) -> String {
    render::<CodeForm>(CodeFormProps {
        submit: "Confirm",
        submitting: "Confirming…",
        initial: "".into(),
        progress: Progress { busy: false, attempts: 1, failure },
        onsubmit: Callback::noop(),
    })
}

#[test]
fn keyboards_and_services_do_not_change_a_code() {
    let html = code_form(Failure::default());
    let input = tag(&html, "name=\"code\"");
    for attribute in [
        "type=\"text\"",
        "inputmode=\"text\"",
        "autocomplete=\"one-time-code\"",
        "autocapitalize=\"characters\"",
        "autocorrect=\"off\"",
        "spellcheck=\"false\"",
    ] {
        assert!(input.contains(attribute), "{input}");
    }
    assert!(!input.contains("maxlength"), "a pasted code may contain spaces: {input}");
    assert_eq!(text(&html, "for=\"code\""), "Code");
}

#[test]
fn a_rejected_code_says_what_to_do() {
    for (problem, words) in [
        (FieldProblem::CodeMissing, "Enter the code"),
        (FieldProblem::CodeWrong, "latest e-mail"),
        (FieldProblem::CodeExpired, "Request a new one"),
    ] {
        let html = code_form(Failure::from_fields([("code", Some(problem))]));
        assert!(text(&html, "id=\"code-error\"").contains(words), "{html}");
        assert!(tag(&html, "name=\"code\"").contains("aria-invalid=\"true\""), "{html}");
    }
}

#[test]
fn a_rejected_token_offers_a_new_link() {
    let html = failed_at("email", FieldProblem::TokenInvalid);
    let (_, error) = html.split_once("id=\"email-error\"").unwrap();
    assert!(error.split_once("</p>").unwrap().0.contains("href=\"/forgot\""), "{error}");
}

#[test]
fn the_ids_of_a_password_field_can_differ_from_its_name() {
    let html = render::<PasswordField>(PasswordFieldProps {
        name: "password",
        id: Some("email-password"),
        label: "Password",
        autocomplete: "current-password",
        hint: None,
        problem: Some(FieldProblem::PasswordWrong),
        busy: false,
    });
    let input = tag(&html, "name=\"password\"");
    assert!(input.contains("id=\"email-password\""), "{input}");
    assert!(input.contains("aria-describedby=\"email-password-error\""), "{input}");
    assert!(
        html.contains("for=\"email-password\"") && html.contains("id=\"email-password-error\"")
    );
}

#[test]
fn a_request_for_another_mail_shows_its_state() {
    let show = |progress: Progress| {
        render::<Wrapper>(WrapperProps {
            content: send_again("Send again", &progress, Callback::noop()),
        })
    };
    assert!(!tag(&show(Progress::default()), "<button").contains("disabled"));
    let busy = show(Progress { busy: true, attempts: 1, ..Progress::default() });
    assert!(tag(&busy, "<button").contains("disabled") && busy.contains(">Sending…</button>"));
    let failure = Failure::from_form("Too many attempts. Try again in 2 minutes.");
    let failed = show(Progress { busy: false, attempts: 1, failure });
    assert!(failed.contains("role=\"alert\"") && failed.contains("in 2 minutes"), "{failed}");
}

#[derive(yew::Properties, PartialEq)]
struct WrapperProps {
    content: yew::Html,
}

#[yew::component]
fn Wrapper(props: &WrapperProps) -> yew::Html {
    props.content.clone()
}
