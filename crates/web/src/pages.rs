//! The pages: they fetch, decide, and leave the rest to components.

mod account;
mod home;
mod login;
mod new_password;
mod not_found;
mod settings;
mod signup;
mod submission;

pub use account::{AccountPage, AccountPageProps};
pub(crate) use home::home_page;
pub use login::{LoginPage, LoginPageProps};
pub(crate) use not_found::not_found_page;
pub use settings::{SettingsPage, SettingsPageProps};
pub use signup::{SignupPage, SignupPageProps};
