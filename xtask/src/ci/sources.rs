//! Where everything we are built from comes from.

use cargo_metadata::Source;

/// What is wrong with the place that a package comes from. There are two: this repository,
/// and crates.io, whose packages `Cargo.lock` has checksums of. `.cargo/deny.toml` says the same.
pub(super) fn violation(package: &str, source: Option<&Source>) -> Option<String> {
    let source = source.filter(|source| !source.is_crates_io())?;
    Some(format!("{package}: it comes from {source}, and not from crates.io"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_ours_or_on_crates_io() {
        let violation = |from: &str| violation("x", Some(&Source { repr: from.to_owned() }));
        assert_eq!(super::violation("x", None), None);
        assert_eq!(violation("registry+https://github.com/rust-lang/crates.io-index"), None);
        for elsewhere in [
            "registry+https://crates.example.com/index",
            "git+https://github.com/rust-lang/crates.io-index",
            "registry+https://github.com/rust-lang/crates.io-index.evil.example",
        ] {
            let line = violation(elsewhere).unwrap();
            assert!(line.contains("x: ") && line.contains(elsewhere), "{line}");
        }
    }
}
