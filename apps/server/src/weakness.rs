//! Warnings about a weak configuration, with fixes in terms of this program's options.

use std::net::IpAddr;

use accounts::Weakness;

/// Returns what is wrong, and which option fixes it.
pub(crate) fn message(weakness: &Weakness) -> String {
    format!("{}; {}", weakness.problem(), fix(weakness))
}

fn fix(weakness: &Weakness) -> &'static str {
    match weakness {
        Weakness::PlainHttp { .. } => {
            "put a TLS proxy in front, and set --public-url to its https URL"
        }
        Weakness::LongAccessTokens { .. } => "lower --access-token-lifetime to 1h or less",
        Weakness::LongSessions { .. } => {
            "lower --session-lifetime and --remember-lifetime to 400d or less"
        }
        Weakness::ShortIdleTimeout { .. } => {
            "raise --session-idle-timeout and --remember-idle-timeout to at least twice --access-token-lifetime, or lower --access-token-lifetime"
        }
        Weakness::ShortPasswords { .. } => "set --password-min-length to 8 or more",
        Weakness::FewIterations { .. } => "set --pbkdf2-iterations to 600000 or more",
        Weakness::ThrottleOff => "remove --throttle off",
        other => other.fix(),
    }
}

/// Returns the warning about a server without a public URL that listens on `listen`, an address
/// that other machines can reach.
pub(crate) fn no_public_url(listen: IpAddr) -> String {
    format!(
        "--listen {listen} accepts connections from other machines, but without --public-url, requests from their browsers are rejected; put a TLS proxy in front, and set --public-url to its https URL"
    )
}
