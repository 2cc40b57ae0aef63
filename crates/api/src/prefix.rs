//! The path under which the API is served.

use std::borrow::Cow;

/// An error from parsing the prefix of the routes ([`Auth::prefix`](crate::Auth::prefix)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrefix {
    /// The text is not a path of plain segments.
    #[error(
        "not a path for the routes: use one or more segments of lower-case letters, digits and hyphens, such as /auth"
    )]
    NotAPath,
    /// The first segment has another use.
    #[error("the path /{0} is used by Latchkey: choose another prefix, such as /auth")]
    Reserved(&'static str),
}

/// The first segments of the paths outside the prefix: the key set, the health checks, the browser
/// client, and the assets of the pages.
const RESERVED: [&str; 5] = [".well-known", "healthz", "readyz", "latchkey.js", "assets"];

/// The path under which the endpoints are served that are defined under `/api`. It has a leading
/// slash and no trailing one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix(Cow<'static, str>);

impl Default for Prefix {
    fn default() -> Self {
        Self(Cow::Borrowed("/api"))
    }
}

impl Prefix {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidPrefix> {
        let segments = text.strip_prefix('/').ok_or(InvalidPrefix::NotAPath)?;
        let first = segments.split('/').next();
        if let Some(reserved) = RESERVED.into_iter().find(|reserved| Some(*reserved) == first) {
            return Err(InvalidPrefix::Reserved(reserved));
        }
        let is_allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let is_segment = |segment: &str| !segment.is_empty() && segment.bytes().all(is_allowed);
        if segments.split('/').all(is_segment) {
            Ok(Self(Cow::Owned(text.to_owned())))
        } else {
            Err(InvalidPrefix::NotAPath)
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether `path`, which has no leading slash, is the prefix or under it.
    pub(crate) fn contains(&self, path: &str) -> bool {
        path.strip_prefix(&self.0[1..]).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Returns the path under which the endpoint at the requested `path` is defined. Neither has a
    /// leading slash. Returns `None` if there is no such endpoint.
    pub(crate) fn defined<'a>(&self, path: &'a str) -> Option<Cow<'a, str>> {
        if *self == Self::default() {
            return Some(Cow::Borrowed(path));
        }
        if self.contains(path) {
            return Some(Cow::Owned(format!("api{}", &path[self.0.len() - 1..])));
        }
        (!Self::default().contains(path)).then_some(Cow::Borrowed(path))
    }

    /// Replaces the paths in an OpenAPI document, which is written for the default prefix.
    pub(crate) fn rename(&self, document: &str) -> String {
        let document = document.replace("/api/", &format!("{}/", self.0));
        document.replace("`/api`", &format!("`{}`", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_plain_segments() {
        for text in ["/auth", "/v1/auth", "/a-b"] {
            assert!(Prefix::parse(text).is_ok(), "{text}");
        }
        for text in ["", "/", "auth", "/auth/", "//auth", "/a.b", "/a b", "/%61", "/Auth", "/{id}"]
        {
            assert_eq!(Prefix::parse(text), Err(InvalidPrefix::NotAPath), "{text}");
        }
    }

    #[test]
    fn a_prefix_does_not_hide_other_paths() {
        for text in ["/.well-known", "/healthz", "/readyz", "/latchkey.js", "/assets", "/assets/a"]
        {
            let error = Prefix::parse(text).unwrap_err();
            assert!(matches!(error, InvalidPrefix::Reserved(_)), "{text}");
            let reason = error.to_string();
            assert!(text.starts_with(reason.split(' ').nth(2).unwrap()), "{text}: {reason}");
        }
        for text in ["/healthz-auth", "/auth/healthz", "/asset"] {
            assert!(Prefix::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn only_paths_under_the_prefix_are_endpoints() {
        let prefix = Prefix::parse("/api/auth").unwrap();
        for (path, defined) in [
            ("api/auth/token", Some("api/token")),
            ("api/auth", Some("api")),
            ("api/token", None),
            ("api", None),
            ("api/authority", None),
            ("healthz", Some("healthz")),
            (".well-known/jwks.json", Some(".well-known/jwks.json")),
        ] {
            assert_eq!(prefix.defined(path).as_deref(), defined, "{path}");
        }
        assert_eq!(Prefix::default().defined("api/token").as_deref(), Some("api/token"));
    }
}
