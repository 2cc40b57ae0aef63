use std::fmt::{self, Write as _};

use api_types::FieldError;

use crate::escape::escape_html;

/// A form of [`Auth::forms`](crate::Auth::forms), which the app puts into its own layout.
#[derive(Clone)]
pub struct FormPage {
    pub(crate) kind: FormKind,
    pub(crate) email: String,
    pub(crate) remember: bool,
    pub(crate) next: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) field_errors: Vec<FieldError>,
    /// `true` if visitors can sign up without an invitation.
    pub(crate) sign_up: bool,
}

/// The kind of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormKind {
    /// The form to log in, with the fields `email`, `password` and `remember`.
    LogIn,
    /// The second step of a log-in, with the field `code`.
    SecondFactor,
    /// The form to sign up, with the fields `email` and `password`, and `invitation` if
    /// [visitors need one](FormPage::needs_invitation).
    SignUp,
}

impl FormKind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/login",
            Self::SecondFactor => "/login/second-factor",
            Self::SignUp => "/signup",
        }
    }
}

impl FormPage {
    /// Returns the kind of the form.
    #[must_use]
    pub const fn kind(&self) -> FormKind {
        self.kind
    }

    /// Returns a title for the page: "Log in", "Two-step log-in" or "Sign up".
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self.kind {
            FormKind::LogIn => "Log in",
            FormKind::SecondFactor => "Two-step log-in",
            FormKind::SignUp => "Sign up",
        }
    }

    /// Returns the path that the form is sent to, with the method POST and the content type
    /// `application/x-www-form-urlencoded`.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        self.kind.path()
    }

    /// Returns the email address that was typed before. It is untrusted input: escape it in HTML.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Returns whether the checkbox `remember` was ticked before.
    #[must_use]
    pub const fn remember(&self) -> bool {
        self.remember
    }

    /// Returns the path to open after the log-in, for the hidden field `next`. It is a path of the
    /// app. Escape it in HTML.
    #[must_use]
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Returns whether the form needs the field `invitation`, because visitors can only sign up
    /// with an invitation.
    #[must_use]
    pub const fn needs_invitation(&self) -> bool {
        matches!(self.kind, FormKind::SignUp) && !self.sign_up
    }

    /// Returns the error that concerns the form as a whole.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// Returns the error of a field: `email`, `password` or `code`.
    #[must_use]
    pub fn field_error(&self, field: &str) -> Option<&str> {
        let found = self.field_errors.iter().find(|error| error.field == field);
        found.map(|error| error.message.as_str())
    }

    /// Returns the form as HTML, without a heading. It needs no scripts and contains no styles.
    ///
    /// Every field has a label. An error is next to its field, which refers to it, and is announced
    /// by screen readers.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut html = String::new();
        // Writing to a string never fails.
        let _ = self.write_html(&mut html);
        html
    }

    fn write_html(&self, html: &mut String) -> fmt::Result {
        writeln!(html, r#"<form method="post" action="{}" novalidate>"#, self.action())?;
        if let Some(error) = &self.error {
            writeln!(html, r#"<p role="alert">{}</p>"#, escape_html(error))?;
        }
        if let Some(next) = &self.next {
            let next = escape_html(next);
            writeln!(html, r#"<input type="hidden" name="next" value="{next}">"#)?;
        }
        let mut focus = Focus::new(self);
        match self.kind {
            FormKind::LogIn | FormKind::SignUp => {
                if self.needs_invitation() {
                    let text = r#"type="text" autocomplete="off" autocapitalize="none" spellcheck="false""#;
                    self.write_input(html, &mut focus, "invitation", "Invitation", text, "")?;
                }
                let value = format!(r#" value="{}""#, escape_html(&self.email));
                let email = r#"type="email" autocomplete="username""#;
                self.write_input(html, &mut focus, "email", "Email address", email, &value)?;
                let password = match self.kind {
                    FormKind::SignUp => r#"type="password" autocomplete="new-password""#,
                    _ => r#"type="password" autocomplete="current-password""#,
                };
                self.write_input(html, &mut focus, "password", "Password", password, "")?;
            }
            FormKind::SecondFactor => {
                let label = "Code from your authenticator app, or a recovery code";
                let code = r#"type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false""#;
                self.write_input(html, &mut focus, "code", label, code, "")?;
            }
        }
        if self.kind == FormKind::LogIn {
            let checked = if self.remember { " checked" } else { "" };
            writeln!(
                html,
                r#"<p><input id="remember" name="remember" type="checkbox" value="on"{checked}> <label for="remember">Keep me signed in</label></p>"#
            )?;
        }
        let button = match self.kind {
            FormKind::LogIn | FormKind::SecondFactor => "Log in",
            FormKind::SignUp => "Sign up",
        };
        writeln!(html, "<p><button>{button}</button></p>\n</form>")?;
        let (other, text) = match self.kind {
            FormKind::LogIn if self.sign_up => (FormKind::SignUp, "Sign up"),
            FormKind::LogIn => return Ok(()),
            FormKind::SignUp => (FormKind::LogIn, "Log in"),
            FormKind::SecondFactor => (FormKind::LogIn, "Start again"),
        };
        let next = self.next.as_deref().unwrap_or_default();
        let link = accounts::http::log_in_location(other.path(), next);
        writeln!(html, r#"<p><a href="{}">{text}</a></p>"#, escape_html(&link))
    }

    fn write_input(
        &self,
        html: &mut String,
        focus: &mut Focus,
        name: &'static str,
        label: &str,
        attributes: &str,
        value: &str,
    ) -> fmt::Result {
        let error = self.field_error(name);
        let described = match error {
            Some(_) => format!(r#" aria-invalid="true" aria-describedby="{name}-error""#),
            None => String::new(),
        };
        let autofocus = if focus.takes(name) { " autofocus" } else { "" };
        writeln!(
            html,
            r#"<p><label for="{name}">{label}</label> <input id="{name}" name="{name}" {attributes} required{value}{described}{autofocus}></p>"#
        )?;
        if let Some(error) = error {
            let error = escape_html(error);
            writeln!(html, r#"<p id="{name}-error" role="alert">{error}</p>"#)?;
        }
        Ok(())
    }
}

/// The field that has the focus when the page opens: the first one with an error, or else the first
/// one.
struct Focus(Option<String>);

impl Focus {
    fn new(page: &FormPage) -> Self {
        Self(page.field_errors.first().map(|error| error.field.clone()))
    }

    fn takes(&mut self, name: &str) -> bool {
        let takes = self.0.as_deref().is_none_or(|field| field == name);
        if takes {
            self.0 = Some(String::new());
        }
        takes
    }
}

/// Does not print the email address.
impl fmt::Debug for FormPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormPage").field("kind", &self.kind).finish_non_exhaustive()
    }
}
