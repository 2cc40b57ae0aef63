//! Feeds anything to whatever takes bytes from outside, and checks what must hold then.
//!
//! A [target](TARGETS) is a function of an input. It panics if something does not hold that
//! must: what is accepted keeps the rules, what is printed is read again as the same, and a
//! second reading that is written another way comes to the same result.
//!
//! `cargo xtask fuzz` lets libFuzzer look for such inputs; `cargo test` feeds the ones in
//! `corpus`, where every target has a few to start from and whatever was found before.
//!
//! ```
//! fuzz::Target::named("email").unwrap().run(b"ada@example.com");
//! ```

mod authorization;
mod cookie;
mod device_token;
mod email;
mod forwarded;
mod id;
mod json_body;
mod members;
mod password;
mod phc;
mod refresh_token;
mod service;
mod signed_token;
mod tampered_token;
mod user_agent;

/// What is fed with inputs.
#[derive(Debug)]
pub struct Target {
    /// Its name on the command line, and that of its directory in `corpus`.
    pub name: &'static str,
    check: fn(&[u8]),
}

/// All targets.
pub const TARGETS: [Target; 13] = [
    Target { name: "authorization", check: authorization::check },
    Target { name: "cookie", check: cookie::check },
    Target { name: "device_token", check: device_token::check },
    Target { name: "email", check: email::check },
    Target { name: "forwarded", check: forwarded::check },
    Target { name: "id", check: id::check },
    Target { name: "json_body", check: json_body::check },
    Target { name: "password", check: password::check },
    Target { name: "phc", check: phc::check },
    Target { name: "refresh_token", check: refresh_token::check },
    Target { name: "signed_token", check: signed_token::check },
    Target { name: "tampered_token", check: tampered_token::check },
    Target { name: "user_agent", check: user_agent::check },
];

impl Target {
    /// The target of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        const ALL: &[Target] = &TARGETS;
        ALL.iter().find(|target| target.name == name)
    }

    /// Feeds it with one input.
    ///
    /// # Panics
    ///
    /// If something does not hold that must.
    pub fn run(&self, input: &[u8]) {
        (self.check)(input);
    }
}
