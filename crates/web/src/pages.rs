//! The pages: one component per route, and the dialog for logging in again. Pages send requests and
//! handle the responses.

mod email;
mod email_login;
mod forgot;
mod home;
mod login;
mod new_password;
mod not_found;
mod passkey;
mod private;
#[cfg(all(test, not(target_family = "wasm")))]
mod render;
mod reset;
mod second_step;
mod settings;
mod signup;
mod signup_off;
mod step_up;
mod submission;
mod verify;

pub(crate) use email::{use_login_state, use_other_login};
pub use email_login::{EmailLogin, EmailLoginProps};
pub use forgot::Forgot;
pub use home::{Home, HomeProps};
pub use login::{Login, LoginProps};
pub use not_found::NotFound;
pub use private::{Private, PrivateProps};
pub use reset::{Reset, ResetProps};
pub use settings::{Settings, SettingsProps};
pub use signup::{Signup, SignupProps};
pub(crate) use step_up::StepUp;
pub use verify::{Verify, VerifyProps};
