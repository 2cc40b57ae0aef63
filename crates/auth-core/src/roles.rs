use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a role, such as `admin` or `billing:read`.
///
/// A role is a label that an operator attaches to a user. Latchkey gives it no meaning: the app
/// decides what users with the role may do. The name has 1 to 32 of the characters `a` to `z`, `0`
/// to `9`, `_`, `.`, `:` and `-`, and begins with a letter or a digit.
///
/// ```
/// # use auth_core::Role;
/// assert_eq!(Role::parse("billing:read")?.as_str(), "billing:read");
/// assert!(Role::parse("Admin").is_err());
/// # Ok::<(), auth_core::InvalidRole>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Arc<str>);

/// An error from parsing a [`Role`].
#[derive(Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a role: use 1 to 32 of the characters a to z, 0 to 9, `_`, `.`, `:` and `-`, and begin \
     with a letter or a digit"
)]
pub struct InvalidRole;

/// Prints the message, because Rust prints an error that `main` returns with `Debug`.
impl fmt::Debug for InvalidRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Role {
    /// The maximum length of a name, in bytes.
    pub const MAX_BYTES: usize = 32;

    /// Parses the name of a role.
    ///
    /// # Errors
    ///
    /// [`InvalidRole`] if the text is not the name of a role.
    pub fn parse(text: &str) -> Result<Self, InvalidRole> {
        let begins_well =
            text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit());
        let is_allowed = |byte: u8| {
            byte.is_ascii_lowercase()
                || byte.is_ascii_digit()
                || matches!(byte, b'_' | b'.' | b':' | b'-')
        };
        if begins_well && text.len() <= Self::MAX_BYTES && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidRole)
        }
    }

    /// Returns the name of the role.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Role {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        Self::parse(text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The roles of a user: at most 32, without duplicates, in alphabetical order. A copy is cheap.
///
/// ```
/// # use auth_core::{Role, Roles};
/// let roles = Roles::new([Role::parse("editor")?, Role::parse("admin")?])?;
/// assert!(roles.contains("admin"));
/// assert_eq!(roles.to_string(), "admin editor");
/// assert_eq!(Roles::from_text("admin editor"), roles);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Roles(
    /// The names with a space between them. `None` if there are none.
    Option<Arc<str>>,
);

/// An error from adding a role to [`Roles`] that are complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user can have at most 32 roles: revoke one first")]
pub struct TooManyRoles;

impl Roles {
    /// No roles.
    pub const NONE: Self = Self(None);

    /// The maximum number of roles of a user.
    pub const MAX_COUNT: usize = 32;

    /// Collects roles. Duplicates count once.
    ///
    /// # Errors
    ///
    /// [`TooManyRoles`] if there are more than [`MAX_COUNT`](Self::MAX_COUNT).
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, TooManyRoles> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        if roles.len() > Self::MAX_COUNT {
            return Err(TooManyRoles);
        }
        Ok(Self::from_sorted(roles.iter().map(Role::as_str)))
    }

    /// Reads the text that [`as_str`](Self::as_str) returns, without checking it.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text.is_empty() { Self::NONE } else { Self(Some(text.into())) }
    }

    /// Collects the values of the claim `roles`. Values that this version does not know as names
    /// of roles are ignored.
    #[cfg(feature = "verify")]
    pub(crate) fn from_values<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        let known: BTreeSet<Role> =
            values.into_iter().filter_map(|value| Role::parse(value).ok()).collect();
        Self::from_sorted(known.iter().map(Role::as_str))
    }

    fn from_sorted<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        Self::from_text(&names.collect::<Vec<_>>().join(" "))
    }

    /// Returns the names of the roles with a space between them.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// Returns the names of the roles, in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.as_str().split_ascii_whitespace()
    }

    /// Returns `true` if there are no roles.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns `true` if one of the roles has this name.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        self.iter().any(|name| name == role)
    }

    /// Returns these roles and `role`.
    ///
    /// # Errors
    ///
    /// [`TooManyRoles`] if `role` is not one of them and they are complete.
    pub fn with(&self, role: &Role) -> Result<Self, TooManyRoles> {
        let mut names: BTreeSet<&str> = self.iter().collect();
        if names.insert(role.as_str()) && names.len() > Self::MAX_COUNT {
            return Err(TooManyRoles);
        }
        Ok(Self::from_sorted(names.into_iter()))
    }

    /// Returns these roles without `role`.
    #[must_use]
    pub fn without(&self, role: &Role) -> Self {
        Self::from_sorted(self.iter().filter(|name| *name != role.as_str()))
    }
}

/// Writes the names with a space between them.
impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Serialises the names as an array, in alphabetical order.
#[cfg(feature = "verify")]
impl serde::Serialize for Roles {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roles({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str) -> Role {
        Role::parse(name).unwrap()
    }

    #[test]
    fn the_name_of_a_role_is_short_and_has_only_the_allowed_characters() {
        let longest = "a".repeat(32);
        for name in ["a", "0", "admin", "billing:read", "a_b.c-d:e", longest.as_str()] {
            assert_eq!(Role::parse(name).map(|role| role.to_string()), Ok(name.to_owned()));
        }
        let too_long = "a".repeat(33);
        for text in [
            "",
            " ",
            "a b",
            " a",
            "a ",
            "a\n",
            "Admin",
            "ADMIN",
            "_a",
            ".a",
            ":a",
            "-a",
            "a/b",
            "a,b",
            "a\"b",
            "ä",
            "aä",
            "a\0",
            too_long.as_str(),
        ] {
            assert_eq!(Role::parse(text), Err(InvalidRole), "{text:?}");
        }
    }

    #[test]
    fn roles_are_sorted_and_unique() {
        let roles = Roles::new(["b", "a", "b", "a-z"].map(role)).unwrap();
        assert_eq!(roles.as_str(), "a a-z b");
        assert_eq!(Roles::from_text(roles.as_str()), roles);
        assert_eq!(roles.iter().collect::<Vec<_>>(), ["a", "a-z", "b"]);
    }

    #[test]
    fn a_role_is_found_only_by_its_whole_name() {
        let roles = Roles::new(["admin", "billing:read"].map(role)).unwrap();
        assert!(roles.contains("admin") && roles.contains("billing:read"));
        for other in ["", " ", "adm", "admin ", "Admin", "billing", "read", "admin billing:read"] {
            assert!(!roles.contains(other), "{other:?}");
            assert!(!Roles::NONE.contains(other), "{other:?}");
        }
    }

    #[test]
    fn a_role_is_added_once_and_removed() {
        let roles = Roles::NONE.with(&role("b")).unwrap().with(&role("a")).unwrap();
        assert_eq!(roles.as_str(), "a b");
        assert_eq!(roles.with(&role("a")), Ok(roles.clone()));
        assert_eq!(roles.without(&role("c")), roles);
        let none = roles.without(&role("a")).without(&role("b"));
        assert_eq!(none, Roles::NONE);
        assert!(none.is_empty() && !roles.is_empty());
    }

    #[test]
    fn a_user_has_at_most_32_roles() {
        let names = (0..33).map(|n| role(&format!("role-{n}")));
        assert_eq!(Roles::new(names.clone()), Err(TooManyRoles));
        let full = Roles::new(names.take(32)).unwrap();
        assert_eq!(full.with(&role("role-32")), Err(TooManyRoles));
        assert_eq!(full.with(&role("role-31")), Ok(full.clone()));
        assert!(full.without(&role("role-0")).with(&role("role-32")).is_ok());
    }
}
