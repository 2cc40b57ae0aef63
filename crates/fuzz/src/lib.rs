//! Fuzz targets for everything that parses untrusted bytes.
//!
//! A [target](TARGETS) is a function that panics if an input violates a property. For example,
//! accepted values must follow the rules, a printed value must be parsed as the same value, and an
//! independent implementation must give the same result.
//!
//! `cargo xtask fuzz` searches for violations with libFuzzer. `cargo test` runs the targets on the
//! inputs in `corpus`: starting points for the fuzzer, and inputs that violated a property in the
//! past.
//!
//! ```
//! fuzz::Target::named("email").unwrap().run(b"ada@example.com");
//! ```

mod attestation_object;
mod authenticator_data;
mod authorization;
mod cbor;
mod challenge;
mod client_data;
mod cookie;
mod cose_key;
mod crockford;
mod device_token;
mod email;
mod email_sign_in_token;
mod forwarded;
mod id;
mod json_body;
mod members;
mod one_time_code;
mod passkey;
mod password;
mod phc;
mod refresh_token;
mod reset_token;
mod service;
mod signed_token;
mod tampered_token;
mod ticket;
mod user_agent;

/// A fuzz target.
#[derive(Debug)]
pub struct Target {
    /// The name of the target on the command line, and of its directory in `corpus`.
    pub name: &'static str,
    check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 22] = [
    Target { name: "attestation_object", check: attestation_object::check },
    Target { name: "authenticator_data", check: authenticator_data::check },
    Target { name: "authorization", check: authorization::check },
    Target { name: "challenge", check: challenge::check },
    Target { name: "client_data", check: client_data::check },
    Target { name: "cookie", check: cookie::check },
    Target { name: "cose_key", check: cose_key::check },
    Target { name: "device_token", check: device_token::check },
    Target { name: "email", check: email::check },
    Target { name: "email_sign_in_token", check: email_sign_in_token::check },
    Target { name: "forwarded", check: forwarded::check },
    Target { name: "id", check: id::check },
    Target { name: "json_body", check: json_body::check },
    Target { name: "one_time_code", check: one_time_code::check },
    Target { name: "password", check: password::check },
    Target { name: "phc", check: phc::check },
    Target { name: "refresh_token", check: refresh_token::check },
    Target { name: "reset_token", check: reset_token::check },
    Target { name: "signed_token", check: signed_token::check },
    Target { name: "tampered_token", check: tampered_token::check },
    Target { name: "ticket", check: ticket::check },
    Target { name: "user_agent", check: user_agent::check },
];

impl Target {
    /// Returns the target with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Target] = &TARGETS;
        ALL.iter().find(|target| target.name == name)
    }

    /// Runs the target on one input.
    ///
    /// # Panics
    ///
    /// If a property is violated.
    pub fn run(&self, input: &[u8]) {
        (self.check)(input);
    }
}
