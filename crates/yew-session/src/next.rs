/// Returns `next` if every browser resolves it to an address on the origin of the page. A log-in
/// page must check the path that it opens after the log-in with this function.
///
/// In the URL standard, a single leading slash starts a path, but a second slash or a backslash
/// would start a host. Control characters are rejected because URL parsers remove tabs and line
/// breaks: `/<TAB>/example.com` is `//example.com`.
#[must_use]
pub fn safe_next(next: &str) -> Option<&str> {
    let rest = next.strip_prefix('/')?;
    let leaves = rest.starts_with('/') || next.contains(|c: char| c == '\\' || c.is_control());
    if leaves { None } else { Some(next) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ES module has the same rules.
    #[test]
    fn only_paths_of_the_same_origin_are_safe() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../tests/next.json")).unwrap();
        for next in vectors["safe"].as_array().unwrap() {
            let next = next.as_str().unwrap();
            assert_eq!(safe_next(next), Some(next));
        }
        for next in vectors["unsafe"].as_array().unwrap() {
            assert_eq!(safe_next(next.as_str().unwrap()), None, "{next}");
        }
    }
}
