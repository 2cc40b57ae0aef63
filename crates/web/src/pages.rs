//! The pages: one component per route. They fetch and decide, and leave the rest to components.

mod home;
mod login;
mod new_password;
mod not_found;
mod private;
mod settings;
mod signup;
mod submission;

pub use home::Home;
pub use login::Login;
pub use not_found::NotFound;
pub use private::{Private, PrivateProps};
pub use settings::{Settings, SettingsProps};
pub use signup::{Signup, SignupProps};
