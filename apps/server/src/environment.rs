//! The environment variables of this program.

const PREFIX: &str = "LATCHKEY_";

/// The variables that set options.
pub(crate) const VARIABLES: [&str; 15] = [
    "LATCHKEY_ACCESS_TOKEN_LIFETIME",
    "LATCHKEY_DATABASE",
    "LATCHKEY_HASHING",
    "LATCHKEY_HASH_MEMORY",
    "LATCHKEY_LISTEN",
    "LATCHKEY_LOG_FORMAT",
    "LATCHKEY_PASSWORD_MIN_LENGTH",
    "LATCHKEY_PBKDF2_ITERATIONS",
    "LATCHKEY_PUBLIC_URL",
    "LATCHKEY_REMEMBER_IDLE_TIMEOUT",
    "LATCHKEY_REMEMBER_LIFETIME",
    "LATCHKEY_SESSION_IDLE_TIMEOUT",
    "LATCHKEY_SESSION_LIFETIME",
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

/// Returns the name of a `LATCHKEY_` variable whose value is not UTF-8.
pub(crate) fn non_utf8_variable() -> Option<String> {
    std::env::vars_os()
        .filter(|(_, value)| value.to_str().is_none())
        .filter_map(|(name, _)| name.into_string().ok())
        .find(|name| name.starts_with(PREFIX))
}

/// Returns the warning about an unknown variable.
pub(crate) fn unknown_warning(name: &str) -> String {
    format!("unknown environment variable {name:?} is ignored; see latchkey serve --help")
}
