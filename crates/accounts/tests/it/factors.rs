//! Second factors and passkeys.

mod app;
mod keys;
mod passkeys;
mod policy;
mod races;
mod second_step;
mod step_up;
mod throttle;
mod totp;
