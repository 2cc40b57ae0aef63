//! The licences of everything we are built from.

use anyhow::{Context as _, Result};
use spdx::{Expression, Licensee, ParseMode};

/// What we accept: no more than the tree needs. `.cargo/deny.toml` has the same list.
pub(super) const ALLOWED: [&str; 10] = [
    "Apache-2.0",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "NCSA",
    "Unicode-3.0",
    "Zlib",
];

/// Whether a `license` field can be satisfied with what we accept.
pub(super) fn is_allowed(expression: &str) -> Result<bool> {
    let parsed = Expression::parse_mode(expression, ParseMode::LAX)
        .with_context(|| format!("`{expression}` is no licence expression"))?;
    let allowed = ALLOWED
        .iter()
        .map(|name| Licensee::parse(name))
        .collect::<Result<Vec<_>, _>>()
        .context("the list of allowed licences")?;
    Ok(parsed.evaluate(|need| allowed.iter().any(|licence| licence.satisfies(need))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_one_and_a_sum_needs_all() {
        for (expression, allowed) in [
            ("MIT", true),
            ("Apache-2.0 / MIT", true),
            ("GPL-3.0-only OR MIT", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("MIT AND GPL-3.0-only", false),
            ("AGPL-3.0-only", false),
        ] {
            assert_eq!(is_allowed(expression).unwrap(), allowed, "{expression}");
        }
        assert!(is_allowed("whatever you like").is_err());
    }

    #[test]
    fn cargo_deny_is_told_the_same() {
        let deny = include_str!("../../../.cargo/deny.toml").parse::<toml::Table>().unwrap();
        let listed: Vec<_> = deny["licenses"]["allow"]
            .as_array()
            .unwrap()
            .iter()
            .map(|licence| licence.as_str().unwrap())
            .collect();
        assert_eq!(listed, ALLOWED);
    }
}
