//! The parts of pages. They take properties and callbacks, and know neither the server
//! nor the session.

mod credentials_form;
mod email_field;
mod field;
mod keyhole;
mod link;
mod local_date;
mod nav_bar;
mod notice;
mod page_title;
mod password_field;
mod trouble;
mod waiting;

pub use credentials_form::{Credentials, CredentialsForm, CredentialsFormProps, Failure, Progress};
pub use email_field::{EmailField, EmailFieldProps};
pub use field::{FieldError, FieldErrorProps};
pub use keyhole::{Door, Keyhole};
pub use link::{AppLink, AppLinkProps};
pub use local_date::{LocalDate, LocalDateProps};
pub use nav_bar::{NavBar, NavBarProps};
pub use notice::{Alert, NoticeProps, Status};
pub use page_title::use_page_title;
pub use password_field::{PasswordField, PasswordFieldProps};
pub use trouble::{Trouble, TroubleProps};
pub use waiting::Waiting;
