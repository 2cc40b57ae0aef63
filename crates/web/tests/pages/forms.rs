use web::components::{
    EmailField, Failure, Form, FormProps, PasswordField, PasswordFieldProps, Progress,
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
                <EmailField initial="ada@example.com" problem={email} />
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
