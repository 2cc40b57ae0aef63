use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Claims of an app in an access token: the members of a JSON object of at most 768 bytes. A copy
/// is cheap.
///
/// A token is signed, not encrypted: anyone who has it can read the claims.
///
/// ```
/// # use auth_core::CustomClaims;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize)]
/// struct AppClaims {
///     tenant: u64,
/// }
///
/// let claims = CustomClaims::new(&AppClaims { tenant: 7 })?;
/// assert_eq!(claims.get::<AppClaims>()?.tenant, 7);
/// assert!(CustomClaims::new(&serde_json::json!({ "sub": "me" })).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomClaims(
    /// The object as JSON. `None` if it is empty.
    Option<Arc<str>>,
);

/// An error from building [`CustomClaims`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCustomClaims {
    /// The value is not a JSON object.
    #[error("custom claims must be a JSON object, such as a struct or a map")]
    NotAnObject,
    /// The JSON is too long.
    #[error("custom claims have {bytes} bytes of JSON: at most 768 are allowed, so remove some")]
    TooLarge {
        /// The length of the JSON, in bytes.
        bytes: usize,
    },
    /// A claim has a name with a meaning of its own.
    #[error("the claim `{name}` is reserved: use another name, such as `app_{name}`")]
    Reserved {
        /// The name of the claim.
        name: String,
    },
}

/// The names that an app cannot use: those of an access token of Latchkey, and those that are
/// registered for the identity and the rights of a user (RFC 7519, 4.1; RFC 8693, 4; RFC 9068, 2.2;
/// OpenID Connect Core 1.0, 2 and 5.1).
const RESERVED: [&str; 47] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "client_id",
    "sid",
    "auth_time",
    "amr",
    "roles",
    "acr",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "s_hash",
    "scope",
    "groups",
    "entitlements",
    "permissions",
    "act",
    "may_act",
    "cnf",
    "authorization_details",
    "events",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "sub_id",
];

impl CustomClaims {
    /// The maximum length of the object, in bytes of JSON. With it, a token of a user with all
    /// roles is shorter than [`AccessTokenVerifier::MAX_BYTES`](super::AccessTokenVerifier).
    pub const MAX_BYTES: usize = 768;

    /// Builds claims from a value that is serialised as a JSON object.
    ///
    /// # Errors
    ///
    /// [`InvalidCustomClaims`] if the value is not an object, if it is too large, or if the name of
    /// a member is reserved, in upper or lower case: the names of the claims of Latchkey, and
    /// registered names such as `scope` or `email`.
    pub fn new(claims: &impl Serialize) -> Result<Self, InvalidCustomClaims> {
        let json = serde_json::to_string(claims).map_err(|_| InvalidCustomClaims::NotAnObject)?;
        if json.len() > Self::MAX_BYTES {
            return Err(InvalidCustomClaims::TooLarge { bytes: json.len() });
        }
        // The parser also rejects what no verifier could parse because it is nested too deeply.
        let members: Map<String, Value> =
            serde_json::from_str(&json).map_err(|_| InvalidCustomClaims::NotAnObject)?;
        // Some verifiers compare the names of claims without regard to case.
        let is_reserved =
            |name: &&String| RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name));
        if let Some(name) = members.keys().find(is_reserved) {
            return Err(InvalidCustomClaims::Reserved { name: name.clone() });
        }
        Ok(Self::from_members(&members))
    }

    /// Collects the claims of a token that are none of Latchkey's.
    pub(super) fn from_members(members: &Map<String, Value>) -> Self {
        if members.is_empty() {
            return Self(None);
        }
        Self(serde_json::to_string(members).ok().map(Into::into))
    }

    /// Returns the members of the object.
    #[cfg(feature = "token")]
    pub(super) fn members(&self) -> Map<String, Value> {
        self.get().unwrap_or_default()
    }

    /// Returns the claims as JSON: `{}` if there are none.
    #[must_use]
    pub fn as_json(&self) -> &str {
        self.0.as_deref().unwrap_or("{}")
    }

    /// Returns the claims as a value of the app's own type.
    ///
    /// # Errors
    ///
    /// An error from serde if the claims do not have the form of `T`.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.as_json())
    }
}

impl fmt::Debug for CustomClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomClaims({})", self.as_json())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_object_without_reserved_names_is_accepted() {
        let claims = CustomClaims::new(&json!({ "tenant": 7, "plan": ["pro"] })).unwrap();
        assert_eq!(claims.get::<Value>().unwrap(), json!({ "tenant": 7, "plan": ["pro"] }));
        assert_eq!(CustomClaims::new(&json!({})), Ok(CustomClaims::default()));
        let deep = (0..200).fold(json!(1), |value, _| json!([value]));
        for value in [json!(null), json!(1), json!("a"), json!(["a"]), json!({ "deep": deep })] {
            let error = CustomClaims::new(&value).unwrap_err();
            assert_eq!(error, InvalidCustomClaims::NotAnObject, "{value}");
        }
        for name in RESERVED {
            assert_reserved(name);
        }
    }

    #[test]
    fn reserved_names_are_rejected_in_upper_and_lower_case() {
        for name in ["Roles", "SUB", "eMail_Verified"] {
            assert_reserved(name);
        }
        assert!(CustomClaims::new(&json!({ "my_roles": 1, "Tenant": 2 })).is_ok());
    }

    #[track_caller]
    fn assert_reserved(name: &str) {
        let mut members = Map::new();
        members.insert(name.to_owned(), json!("x"));
        let error = CustomClaims::new(&members).unwrap_err();
        assert_eq!(error, InvalidCustomClaims::Reserved { name: name.to_owned() });
    }

    #[test]
    fn claims_have_at_most_768_bytes() {
        let of_bytes = |bytes: usize| json!({ "a": "x".repeat(bytes - r#"{"a":""}"#.len()) });
        assert!(CustomClaims::new(&of_bytes(768)).is_ok());
        let error = CustomClaims::new(&of_bytes(769)).unwrap_err();
        assert_eq!(error, InvalidCustomClaims::TooLarge { bytes: 769 });
    }
}
