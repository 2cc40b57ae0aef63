/// Returns the access token in the value of an `Authorization` header (RFC 6750, 2.1), or `None` if
/// the scheme is not `Bearer`. The scheme is not case-sensitive, and one or more spaces follow it.
///
/// If there is nothing after the scheme, the token is empty, which no verifier accepts.
///
/// ```
/// use auth_core::bearer_token;
///
/// assert_eq!(bearer_token("Bearer e30.e30.AAAA"), Some("e30.e30.AAAA"));
/// assert_eq!(bearer_token("bearer   e30.e30.AAAA"), Some("e30.e30.AAAA"));
/// assert_eq!(bearer_token("Bearer"), Some(""));
/// assert_eq!(bearer_token("Basic YTpi"), None);
/// ```
#[must_use]
pub fn bearer_token(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if scheme.eq_ignore_ascii_case("Bearer") { Some(token.trim_start_matches(' ')) } else { None }
}
