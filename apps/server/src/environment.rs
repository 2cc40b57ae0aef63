//! The environment variables of this program.

const PREFIX: &str = "LATCHKEY_";

/// The variables that set options.
pub(crate) const VARIABLES: [&str; 23] = [
    "LATCHKEY_ACCESS_TOKEN_LIFETIME",
    "LATCHKEY_DATABASE",
    "LATCHKEY_DATABASE_FILE",
    "LATCHKEY_EMAIL_LOG_IN",
    "LATCHKEY_HASHING",
    "LATCHKEY_HASH_MEMORY",
    "LATCHKEY_LISTEN",
    "LATCHKEY_LOG_FORMAT",
    "LATCHKEY_MAIL_DIR",
    "LATCHKEY_MAIL_FROM",
    "LATCHKEY_PASSWORD_MIN_LENGTH",
    "LATCHKEY_PBKDF2_ITERATIONS",
    "LATCHKEY_PUBLIC_URL",
    "LATCHKEY_REMEMBER_IDLE_TIMEOUT",
    "LATCHKEY_REMEMBER_LIFETIME",
    "LATCHKEY_REQUIRE_SECOND_FACTOR",
    "LATCHKEY_SESSION_IDLE_TIMEOUT",
    "LATCHKEY_SESSION_LIFETIME",
    "LATCHKEY_SIGN_UP",
    "LATCHKEY_SMTP_PASSWORD_FILE",
    "LATCHKEY_SMTP_URL",
    "LATCHKEY_THROTTLE",
    "LATCHKEY_TRUSTED_PROXY",
];

/// Returns the names of the `LATCHKEY_` variables that no option reads.
pub(crate) fn unknown_variables() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut unknown: Vec<String> =
        names.filter(|name| name.starts_with(PREFIX) && !VARIABLES.contains(&&**name)).collect();
    unknown.sort();
    unknown
}

/// Returns the values of the `LATCHKEY_` variables.
pub(crate) fn values() -> Vec<String> {
    let set = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        VARIABLES.contains(&&*name).then(|| value.to_string_lossy().into_owned())
    });
    set.collect()
}

/// Returns the name of a `LATCHKEY_` variable whose value is not UTF-8.
pub(crate) fn non_utf8_variable() -> Option<String> {
    std::env::vars_os()
        .filter(|(_, value)| value.to_str().is_none())
        .filter_map(|(name, _)| name.into_string().ok())
        .find(|name| name.starts_with(PREFIX))
}

/// Returns the warning about an unknown variable, with the variable that was probably meant.
pub(crate) fn unknown_warning(name: &str) -> String {
    let hint = match most_similar(name) {
        Some(known) => format!("did you mean {known}?"),
        None => "see latchkey serve --help".to_owned(),
    };
    format!("unknown environment variable {name:?} is ignored; {hint}")
}

/// The minimum similarity, from 0 to 1, of a misspelt name to a known one. clap uses the same
/// minimum for options.
const MIN_SIMILARITY: f64 = 0.7;

fn most_similar(name: &str) -> Option<&'static str> {
    // Names are compared without the prefix, which would make all of them similar.
    let similarity = |known: &str| strsim::jaro(&name[PREFIX.len()..], &known[PREFIX.len()..]);
    VARIABLES
        .into_iter()
        .map(|known| (similarity(known), known))
        .filter(|(similarity, _)| *similarity > MIN_SIMILARITY)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_warning_names_the_variable_that_was_meant() {
        for (name, hint) in [
            ("LATCHKEY_LISEN", "did you mean LATCHKEY_LISTEN?"),
            ("LATCHKEY_DATABSE", "did you mean LATCHKEY_DATABASE?"),
            ("LATCHKEY_TRUSTED_PROXIES", "did you mean LATCHKEY_TRUSTED_PROXY?"),
            ("LATCHKEY_SIGNUP", "did you mean LATCHKEY_SIGN_UP?"),
            ("LATCHKEY_COLOUR", "see latchkey serve --help"),
            ("LATCHKEY_", "see latchkey serve --help"),
        ] {
            let warning = unknown_warning(name);
            assert!(warning.contains(name) && warning.ends_with(hint), "{warning}");
        }
    }
}
