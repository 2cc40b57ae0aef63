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
pub use home::HomePage;
pub use login::LoginPage;
pub use not_found::NotFoundPage;
pub use settings::{SettingsPage, SettingsPageProps};
pub use signup::{SignupPage, SignupPageProps};
