use std::fmt::{self, Write as _};

use accounts::http::{escape_html, log_in_location};
use api_types::FieldError;
use zeroize::Zeroizing;

use crate::form::Notice;

/// A form of [`Auth::forms`](crate::Auth::forms), which the app puts into its own layout.
#[derive(Clone)]
pub struct FormPage {
    pub(crate) kind: FormKind,
    pub(crate) email: String,
    pub(crate) code: Zeroizing<String>,
    pub(crate) remember: bool,
    pub(crate) next: Option<String>,
    pub(crate) notice: Option<Notice>,
    pub(crate) error: Option<String>,
    pub(crate) field_errors: Vec<FieldError>,
    /// `true` if visitors can sign up without an invitation.
    pub(crate) sign_up: bool,
    /// `true` if the app sends mails.
    pub(crate) mail: bool,
}

/// The kind of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormKind {
    /// The form to log in, with the fields `email`, `password` and `remember`.
    LogIn,
    /// The second step of a log-in, with the field `code`.
    SecondFactor,
    /// The form to sign up, with the fields `email`, `password` and `remember`, and `invitation` if
    /// [visitors need one](FormPage::needs_invitation).
    SignUp,
    /// The form to log out, without fields.
    LogOut,
    /// The form to request a mail that resets the password, with the field `email`.
    ForgotPassword,
    /// The form to reset the password, with the fields `code`, which is the code from the mail, and
    /// `password`, which is the new password.
    ResetPassword,
    /// The form for a signed-in user to verify the email address, with the field `code`. With the
    /// field `send` instead, it requests a new code.
    VerifyEmail,
}

impl FormKind {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::LogIn => "/login",
            Self::SecondFactor => "/login/second-factor",
            Self::SignUp => "/signup",
            Self::LogOut => "/logout",
            Self::ForgotPassword => "/forgot",
            Self::ResetPassword => "/reset",
            Self::VerifyEmail => "/verify",
        }
    }

    /// Returns the text of the button.
    const fn button(self) -> &'static str {
        match self {
            Self::LogIn | Self::SecondFactor => "Log in",
            Self::SignUp => "Sign up",
            Self::LogOut => "Log out",
            Self::ForgotPassword => "Send code",
            Self::ResetPassword => "Set new password",
            Self::VerifyEmail => "Confirm",
        }
    }
}

impl FormPage {
    /// Returns the kind of the form.
    #[must_use]
    pub const fn kind(&self) -> FormKind {
        self.kind
    }

    /// Returns a title for the page, such as "Log in".
    #[must_use]
    pub const fn title(&self) -> &'static str {
        match self.kind {
            FormKind::LogIn => "Log in",
            FormKind::SecondFactor => "Two-step log-in",
            FormKind::SignUp => "Sign up",
            FormKind::LogOut => "Log out",
            FormKind::ForgotPassword => "Reset your password",
            FormKind::ResetPassword => "Choose a new password",
            FormKind::VerifyEmail => "Confirm your email address",
        }
    }

    /// Returns the path that the form is sent to, with the method POST and the content type
    /// `application/x-www-form-urlencoded`.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        self.kind.path()
    }

    /// Returns the email address that was typed before, or that the user verifies. It is untrusted
    /// input: escape it in HTML.
    #[must_use]
    pub fn email(&self) -> &str {
        &self.email
    }

    /// Returns the code that was sent with a new password that breaks a rule, so that the user does
    /// not have to paste it again. It is untrusted input: escape it in HTML.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
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

    /// Returns the outcome of the previous form, such as "We have sent a new code."
    #[must_use]
    pub fn notice(&self) -> Option<&'static str> {
        Some(match (self.notice?, self.kind) {
            (Notice::CodeSent, FormKind::ResetPassword) => {
                "If there is an account with this email address, we have sent a code to it."
            }
            (Notice::CodeSent, FormKind::VerifyEmail) => "We have sent a new code.",
            (Notice::PasswordReset, FormKind::LogIn) => {
                "Your password has been changed. Log in with the new one."
            }
            _ => return None,
        })
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
    /// Every field has a label. An error is next to its field, which refers to it. The field with the
    /// focus also refers to the error of the form and to the notice, because screen readers do not
    /// announce what a page contains when it opens.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut html = String::new();
        // Writing to a string never fails.
        let _ = self.write_html(&mut html);
        html
    }

    fn write_html(&self, html: &mut String) -> fmt::Result {
        writeln!(html, r#"<form method="post" action="{}" novalidate>"#, self.action())?;
        if let Some(notice) = self.notice() {
            writeln!(html, r#"<p id="form-notice" role="status">{notice}</p>"#)?;
        }
        if let Some(error) = &self.error {
            writeln!(html, r#"<p id="form-error" role="alert">{}</p>"#, escape_html(error))?;
        }
        if let Some(next) = &self.next {
            let next = escape_html(next);
            writeln!(html, r#"<input type="hidden" name="next" value="{next}">"#)?;
        }
        if let Some(introduction) = self.introduction() {
            writeln!(html, "<p>{}</p>", escape_html(&introduction))?;
        }
        self.write_fields(html)?;
        if matches!(self.kind, FormKind::LogIn | FormKind::SignUp) {
            let checked = if self.remember { " checked" } else { "" };
            writeln!(
                html,
                r#"<p><input id="remember" name="remember" type="checkbox" value="on"{checked}> <label for="remember">Keep me signed in</label></p>"#
            )?;
        }
        write!(html, "<p><button>{}</button>", self.kind.button())?;
        if self.kind == FormKind::VerifyEmail {
            write!(html, r#" <button name="send" value="on">Send a new code</button>"#)?;
        }
        writeln!(html, "</p>\n</form>")?;
        for (other, text) in self.links() {
            let next = self.next.as_deref().unwrap_or_default();
            let link = log_in_location(other.path(), next);
            writeln!(html, r#"<p><a href="{}">{text}</a></p>"#, escape_html(&link))?;
        }
        Ok(())
    }

    /// Returns the text above the fields.
    fn introduction(&self) -> Option<String> {
        Some(match self.kind {
            FormKind::ForgotPassword => {
                "We will send you an email with a code to choose a new password.".to_owned()
            }
            FormKind::ResetPassword => "Setting a new password logs you out everywhere.".to_owned(),
            FormKind::VerifyEmail if self.email.is_empty() => {
                "Enter the code from the email.".to_owned()
            }
            FormKind::VerifyEmail => {
                format!("Enter the code that we have sent to {}.", self.email)
            }
            _ => return None,
        })
    }

    fn write_fields(&self, html: &mut String) -> fmt::Result {
        const TEXT: &str =
            r#"type="text" autocomplete="off" autocapitalize="none" spellcheck="false""#;
        const CODE: &str =
            r#"type="text" autocomplete="one-time-code" autocapitalize="none" spellcheck="false""#;
        const NEW_PASSWORD: &str = r#"type="password" autocomplete="new-password""#;
        const CURRENT_PASSWORD: &str = r#"type="password" autocomplete="current-password""#;

        let mut fields = Fields { page: self, html };
        match self.kind {
            FormKind::LogIn => {
                fields.write_email()?;
                fields.write("password", "Password", CURRENT_PASSWORD, "")
            }
            FormKind::SecondFactor => {
                let label = "Code from your authenticator app, or a recovery code";
                fields.write("code", label, CODE, "")
            }
            FormKind::SignUp => {
                if self.needs_invitation() {
                    fields.write("invitation", "Invitation", TEXT, "")?;
                }
                fields.write_email()?;
                fields.write("password", "Password", NEW_PASSWORD, "")
            }
            FormKind::LogOut => Ok(()),
            FormKind::ForgotPassword => fields.write_email(),
            FormKind::ResetPassword => {
                let value = format!(r#" value="{}""#, escape_html(&self.code));
                fields.write("code", "Code from the email", CODE, &value)?;
                fields.write("password", "New password", NEW_PASSWORD, "")
            }
            FormKind::VerifyEmail => fields.write("code", "Code", CODE, ""),
        }
    }

    /// Returns the field that has the focus when the page opens: the first one with an error, or else
    /// the first one that the user has to fill in.
    fn focused_field(&self) -> &str {
        if let Some(error) = self.field_errors.first() {
            return &error.field;
        }
        match self.kind {
            FormKind::SignUp if self.needs_invitation() => "invitation",
            FormKind::LogIn | FormKind::SignUp if !self.email.is_empty() => "password",
            FormKind::ResetPassword if !self.code.is_empty() => "password",
            FormKind::LogIn | FormKind::SignUp | FormKind::ForgotPassword => "email",
            FormKind::SecondFactor | FormKind::ResetPassword | FormKind::VerifyEmail => "code",
            FormKind::LogOut => "",
        }
    }

    /// Returns the forms to which the form links.
    fn links(&self) -> Vec<(FormKind, &'static str)> {
        let log_in = (FormKind::LogIn, "Log in");
        match self.kind {
            FormKind::LogIn => {
                let forgot = (FormKind::ForgotPassword, "Forgot your password?");
                let sign_up = (FormKind::SignUp, "Sign up");
                let links = [(self.mail, forgot), (self.sign_up, sign_up)];
                links.into_iter().filter_map(|(is_shown, link)| is_shown.then_some(link)).collect()
            }
            FormKind::SecondFactor => vec![(FormKind::LogIn, "Start again")],
            FormKind::SignUp | FormKind::ForgotPassword => vec![log_in],
            FormKind::ResetPassword => {
                vec![(FormKind::ForgotPassword, "Request a new code"), log_in]
            }
            FormKind::LogOut | FormKind::VerifyEmail => Vec::new(),
        }
    }
}

/// Writes the fields of a form.
struct Fields<'a> {
    page: &'a FormPage,
    html: &'a mut String,
}

impl Fields<'_> {
    fn write_email(&mut self) -> fmt::Result {
        // With `type="email"`, browsers would rewrite international domains.
        const EMAIL: &str = r#"type="text" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false""#;

        let value = format!(r#" value="{}""#, escape_html(&self.page.email));
        self.write("email", "Email address", EMAIL, &value)
    }

    fn write(
        &mut self,
        name: &'static str,
        label: &str,
        attributes: &str,
        value: &str,
    ) -> fmt::Result {
        let Self { page, html } = self;
        let error = page.field_error(name);
        let has_focus = page.focused_field() == name;
        let mut descriptions = Vec::new();
        if error.is_some() {
            descriptions.push(format!("{name}-error"));
        }
        if has_focus && page.error.is_some() {
            descriptions.push("form-error".to_owned());
        }
        if has_focus && page.notice().is_some() {
            descriptions.push("form-notice".to_owned());
        }
        let invalid = if error.is_some() { r#" aria-invalid="true""# } else { "" };
        let described = match descriptions.as_slice() {
            [] => String::new(),
            ids => format!(r#" aria-describedby="{}""#, ids.join(" ")),
        };
        let autofocus = if has_focus { " autofocus" } else { "" };
        writeln!(
            html,
            r#"<p><label for="{name}">{label}</label> <input id="{name}" name="{name}" {attributes} required{value}{invalid}{described}{autofocus}></p>"#
        )?;
        if let Some(error) = error {
            let error = escape_html(error);
            writeln!(html, r#"<p id="{name}-error" role="alert">{error}</p>"#)?;
        }
        Ok(())
    }
}

/// Does not print the email address.
impl fmt::Debug for FormPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FormPage").field("kind", &self.kind).finish_non_exhaustive()
    }
}
