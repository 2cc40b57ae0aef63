//! Tests of the HTTP API on a real store.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod activity;
mod checks;
mod cookie_guards;
mod discovery;
mod email;
mod email_sign_in;
mod embedded;
mod enrolment_policy;
mod log_out_form;
mod logout;
mod mailbox;
mod me;
mod openapi;
mod outbox;
mod passkeys;
mod password;
mod password_reset;
mod refresh;
mod replaced_sessions;
mod requirements;
mod routes;
mod second_factor;
mod sessions;
mod signup;
mod step_up;
mod test_app;
mod test_factors;
mod throttle;
mod token;
