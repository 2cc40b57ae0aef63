use auth_core::PasswordPolicy;
use web::pages::{Settings, SettingsProps};
use web::{Mail, Passkeys};
use yew_session::User;

use crate::html::{ada, render, section, tag, text};

fn settings() -> String {
    settings_of(ada(), Mail::On)
}

fn settings_of(user: User, mail: Mail) -> String {
    let policy = PasswordPolicy::new(12).unwrap_or_default();
    render::<Settings>(SettingsProps { user, policy, mail, passkeys: Passkeys::Supported })
}

#[test]
fn a_change_of_the_email_address_asks_for_the_new_one_and_the_password() {
    let html = settings();
    let section = section(&html, "E-mail");
    assert!(section.contains("Ada@Example.com"), "{section}");
    let email = tag(section, "name=\"new_email\"");
    assert!(email.contains("autocomplete=\"email\""), "{email}");
    let password = tag(section, "name=\"password\"");
    assert!(password.contains("autocomplete=\"current-password\""), "{password}");
    assert_eq!(text(section, "type=\"submit\""), "Change e-mail address");
    assert!(!section.contains("name=\"code\""), "no code was sent yet: {section}");
    assert!(section.contains(">I already have a code</button>"), "{section}");
}

#[test]
fn the_email_section_says_whether_the_address_is_confirmed() {
    let html = settings();
    let unverified = section(&html, "E-mail");
    assert!(unverified.contains("Not confirmed") && unverified.contains("href=\"/verify\""));
    let email_verified_at = Some("2026-04-15T10:00:00Z".to_owned());
    let html = settings_of(User { email_verified_at, ..ada() }, Mail::On);
    let verified = section(&html, "E-mail");
    assert!(verified.contains("Confirmed") && !verified.contains("/verify"), "{verified}");
}

#[test]
fn without_mail_there_is_no_email_section() {
    let html = settings_of(ada(), Mail::Off);
    assert!(!html.contains("E-mail") && !html.contains("new_email"), "{html}");
}

#[test]
fn a_password_change_asks_for_the_current_and_a_new_password() {
    let html = settings();
    let section = section(&html, "Password");
    for (name, label, autocomplete) in [
        ("current_password", "Current password", "current-password"),
        ("new_password", "New password", "new-password"),
    ] {
        let input = tag(section, &format!("name=\"{name}\""));
        assert!(input.contains("type=\"password\""), "{input}");
        assert!(input.contains(&format!("autocomplete=\"{autocomplete}\"")), "{input}");
        assert!(input.contains(&format!("id=\"{name}\"")), "{input}");
        assert_eq!(text(section, &format!("for=\"{name}\"")), label);
        let toggle = format!(">Show {}</button>", label.to_lowercase());
        assert!(section.contains(&toggle), "{section}");
    }
    assert!(section.contains(">Change password</button>"), "{section}");
    assert!(text(section, "id=\"new_password-hint\"").contains("At least 12 characters"));
}

#[test]
fn an_account_deletion_starts_with_a_button_and_no_password_field() {
    let html = settings();
    let section = section(&html, "Delete your account");
    assert!(!section.contains("<input") && !section.contains("<dialog"), "{section}");
    assert!(tag(section, "<button").contains("aria-haspopup=\"dialog\""), "{section}");
    assert_eq!(text(section, "<button"), "Delete account");
    assert!(section.contains("cannot be undone"), "{section}");
}

#[test]
fn the_data_can_be_downloaded_with_a_button() {
    let html = settings();
    let section = section(&html, "Your data");
    assert!(section.contains(">Download my data</button>"), "{section}");
    assert!(!section.contains("<form"), "{section}");
}

/// Screen readers may not announce the content of a busy element.
fn announces_that_it_loads(section: &str) -> bool {
    section.contains("<p role=\"status\">Loading…</p>") && !section.contains("aria-busy")
}

#[test]
fn the_list_of_sessions_has_a_waiting_state() {
    let html = settings();
    let section = section(&html, "Sessions");
    assert!(announces_that_it_loads(section), "{section}");
    assert!(!section.contains("<li"), "{section}");
}

#[test]
fn the_second_factor_and_the_passkeys_have_a_waiting_state() {
    let html = settings();
    for heading in ["Two-step log-in", "Passkeys"] {
        let section = section(&html, heading);
        assert!(announces_that_it_loads(section), "{section}");
        assert!(!section.contains("<button") && !section.contains("<form"), "{section}");
    }
}

#[test]
fn a_user_who_must_turn_the_second_factor_on_sees_only_what_the_server_permits() {
    let html = settings_of(User { second_factor_enrolment_required: true, ..ada() }, Mail::On);
    let headings: Vec<_> =
        html.split("</h2>").map(|part| part.rsplit_once('>').unwrap().1).collect();
    assert_eq!(headings[..3], ["Two-step log-in", "Passkeys", "Delete your account"]);
    assert_eq!(html.matches("</h2>").count(), 3, "{html}");
    assert!(html.contains("requires two-step log-in"), "{html}");
    assert!(!settings().contains("requires two-step log-in"));
}

#[test]
fn the_form_has_a_hidden_username_for_password_managers() {
    let html = settings();
    let forms: Vec<_> = html.split("<form").skip(1).collect();
    assert_eq!(forms.len(), 2);
    for form in forms {
        let account = tag(form, "autocomplete=\"username\"");
        assert!(account.contains("value=\"Ada@Example.com\""), "{account}");
        assert!(account.contains("readonly") && account.contains("hidden"), "{account}");
        assert!(!account.contains("name="), "it must not be sent: {account}");
    }
}

#[test]
fn ids_are_unique() {
    let html = settings();
    let mut ids: Vec<_> = html.split(" id=\"").skip(1).collect();
    ids.iter_mut().for_each(|id| *id = id.split('"').next().unwrap());
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}

#[test]
fn at_first_there_is_no_message() {
    let html = settings();
    assert!(!html.contains("role=\"alert\"") && !html.contains("aria-invalid"), "{html}");
    assert!(!html.contains("has been changed") && !html.contains("ended"), "{html}");
    assert!(!html.contains("disabled"), "{html}");
}
