use crate::json::{FromJson, Json, read};

/// Whose an access token is and what session it is of, by its own account (RFC 9068, 2.2.1).
///
/// To the server it proves nothing but by its signature. Here it tells, without asking
/// anybody, whether a token that the cookie has brought goes on with what this tab has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    /// The user's id.
    pub(crate) sub: String,
    /// The session's id.
    pub(crate) sid: String,
}

impl Claims {
    /// Those of a token that the server has issued. Any other text has none.
    pub(crate) fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?.replace('-', "+").replace('_', "/");
        let json = web_sys::window()?.atob(&payload).ok()?;
        read(&json)
    }
}

impl FromJson for Claims {
    fn from_json(json: &Json) -> Option<Self> {
        Some(Self { sub: json.read("sub")?, sid: json.read("sid")? })
    }
}
