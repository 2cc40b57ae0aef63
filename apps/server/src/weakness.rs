//! The weaknesses of a configuration, in terms of this program's options.

use accounts::Weakness;

/// Says what is wrong and which option fixes it.
pub(crate) fn message(weakness: &Weakness) -> String {
    format!("{}; {}", weakness.problem(), fix(weakness))
}

fn fix(weakness: &Weakness) -> &'static str {
    match weakness {
        Weakness::PlainHttp { .. } => {
            "put a proxy with TLS in front, and set its https address with --public-url"
        }
        Weakness::LongAccessTokens { .. } => "lower --access-token-lifetime to 1h or less",
        Weakness::LongSessions { .. } => {
            "lower --session-lifetime and --remember-lifetime to 400d or less"
        }
        Weakness::ShortIdleTimeout { .. } => {
            "raise --session-idle-timeout and --remember-idle-timeout to twice --access-token-lifetime, or lower that"
        }
        Weakness::ShortPasswords { .. } => "leave out --password-min-length",
        Weakness::FewIterations { .. } => "leave out --pbkdf2-iterations",
        Weakness::ThrottleOff => "leave out --throttle off",
        other => other.fix(),
    }
}
