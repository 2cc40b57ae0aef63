//! Which change concerns what.

use std::path::Path;

use notify::EventKind;

/// What has to be built again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub(super) spa: bool,
    pub(super) server: bool,
}

impl Changes {
    pub(super) const ALL: Self = Self { spa: true, server: true };
    const SPA: Self = Self { spa: true, server: false };
    const SERVER: Self = Self { spa: false, server: true };

    pub(super) fn any(self) -> bool {
        self.spa || self.server
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self { spa: self.spa || other.spa, server: self.server || other.server }
    }

    /// Builds read the sources, which is an event as well, but not a change.
    pub(super) fn of(root: &Path, event: &notify::Event) -> Self {
        match event.kind {
            EventKind::Access(_) => Self::default(),
            _ if event.need_rescan() => Self::ALL,
            _ => {
                event.paths.iter().fold(Self::default(), |sum, path| sum.and(Self::at(root, path)))
            }
        }
    }

    fn at(root: &Path, path: &Path) -> Self {
        let parts: Vec<_> = path
            .strip_prefix(root)
            .unwrap_or(path)
            .iter()
            .map(|part| part.to_str().unwrap_or_default())
            .collect();
        match parts[..] {
            [.., file] if is_scratch(file) => Self::default(),
            ["crates", "web", ..] => Self::SPA,
            ["crates", "auth-core" | "api-types", ..] | ["Cargo.toml" | "Cargo.lock"] => Self::ALL,
            ["crates" | "apps", ..] => Self::SERVER,
            _ => Self::default(),
        }
    }
}

/// What editors put beside a file while they write it.
fn is_scratch(file: &str) -> bool {
    file.starts_with('.') || file.ends_with(['~', '#']) || file.ends_with(".swp") || file == "4913"
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use notify::event::{AccessKind, CreateKind};

    use super::*;

    fn changes(kind: EventKind, path: &str) -> Changes {
        let root = PathBuf::from("/checkout");
        Changes::of(&root, &notify::Event::new(kind).add_path(root.join(path)))
    }

    #[test]
    fn a_change_concerns_who_compiles_it() {
        for (path, expected) in [
            ("crates/web/styles/base.css", Changes::SPA),
            ("crates/accounts/src/lib.rs", Changes::SERVER),
            ("apps/server/src/main.rs", Changes::SERVER),
            ("crates/auth-core/src/email.rs", Changes::ALL),
            ("crates/api-types/Cargo.toml", Changes::ALL),
            ("Cargo.lock", Changes::ALL),
            ("latchkey.db-wal", Changes::default()),
            ("crates/web/src/.main.rs.swp", Changes::default()),
        ] {
            assert_eq!(changes(EventKind::Create(CreateKind::File), path), expected, "{path}");
        }
    }

    #[test]
    fn reading_is_no_change() {
        let kind = EventKind::Access(AccessKind::Any);
        assert_eq!(changes(kind, "crates/web/src/main.rs"), Changes::default());
    }
}
