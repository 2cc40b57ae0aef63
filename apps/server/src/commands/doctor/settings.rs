use accounts::{Config, Weakness};

use super::report::Finding;
use crate::weakness::message;

const PASSWORDS: &str = "passwords";
const SESSIONS: &str = "sessions";
const THROTTLE: &str = "throttle";
const TOKENS: &str = "tokens";

/// Checks for weak settings. The public URL is checked elsewhere.
pub(super) fn findings(config: &Config) -> Vec<Finding> {
    let weaknesses = config.weaknesses();
    let mut findings: Vec<_> = weaknesses
        .iter()
        .filter_map(|weakness| Some(Finding::warn(check(weakness)?, message(weakness))))
        .collect();
    for (check, text) in [
        (PASSWORDS, format!("hashed with {} PBKDF2 iterations", config.pbkdf2_iterations)),
        (THROTTLE, "password guessing is limited".to_owned()),
        (TOKENS, format!("access tokens are valid for {:?}", config.access_token_lifetime)),
        (SESSIONS, "session limits and access token lifetime are compatible".to_owned()),
    ] {
        if !findings.iter().any(|finding| finding.check == check) {
            findings.push(Finding::ok(check, text));
        }
    }
    findings
}

/// Returns the name of the check that reports a weakness.
const fn check(weakness: &Weakness) -> Option<&'static str> {
    match weakness {
        // See `network::public_url`.
        Weakness::PlainHttp { .. } => None,
        Weakness::ShortPasswords { .. } | Weakness::FewIterations { .. } => Some(PASSWORDS),
        Weakness::ThrottleOff => Some(THROTTLE),
        Weakness::LongAccessTokens { .. } => Some(TOKENS),
        Weakness::ShortIdleTimeout { .. } | Weakness::LongSessions { .. } => Some(SESSIONS),
        _ => Some("settings"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use auth_core::{Origin, PasswordPolicy};

    use super::super::report::Level::{Ok, Warn};
    use super::*;

    fn warnings(config: &Config) -> Vec<&'static str> {
        let warnings = findings(config).into_iter().filter(|finding| finding.level == Warn);
        warnings.map(|finding| finding.check).collect()
    }

    #[test]
    fn the_default_configuration_is_ok() {
        let findings = findings(&Config::new(Origin::localhost(80)));
        assert_eq!(findings.len(), 4);
        assert!(findings.iter().all(|finding| finding.level == Ok));
    }

    #[test]
    fn every_weakness_is_a_warning() {
        let default = || Config::new(Origin::localhost(80));
        let short = PasswordPolicy::new(7).unwrap();
        for (config, check) in [
            (Config { pbkdf2_iterations: 599_999, ..default() }, PASSWORDS),
            (Config { password_policy: short, ..default() }, PASSWORDS),
            (Config { throttle: false, ..default() }, THROTTLE),
            (Config { access_token_lifetime: Duration::from_mins(20), ..default() }, SESSIONS),
        ] {
            assert_eq!(warnings(&config), [check], "{config:?}");
        }
        let config = Config { access_token_lifetime: Duration::from_hours(2), ..default() };
        assert!(warnings(&config).contains(&TOKENS));
    }

    #[test]
    fn settings_stricter_than_the_defaults_are_ok() {
        let config = Config {
            pbkdf2_iterations: 10_000_000,
            password_policy: PasswordPolicy::new(15).unwrap(),
            ..Config::new(Origin::localhost(80))
        };
        assert!(warnings(&config).is_empty());
    }
}
