//! Decides which parts must be rebuilt after a file has changed.

use std::path::Path;

use notify::EventKind;

/// The parts that must be rebuilt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rebuild {
    pub(super) spa: bool,
    pub(super) server: bool,
}

impl Rebuild {
    pub(super) const ALL: Self = Self { spa: true, server: true };
    const SPA: Self = Self { spa: true, server: false };
    const SERVER: Self = Self { spa: false, server: true };

    pub(super) fn any(self) -> bool {
        self.spa || self.server
    }

    pub(super) fn merge(self, other: Self) -> Self {
        Self { spa: self.spa || other.spa, server: self.server || other.server }
    }

    /// Returns the parts that a file system event affects. Access events are ignored, because
    /// builds read the sources.
    pub(super) fn from_event(root: &Path, event: &notify::Event) -> Self {
        match event.kind {
            EventKind::Access(_) => Self::default(),
            _ if event.need_rescan() => Self::ALL,
            _ => event
                .paths
                .iter()
                .fold(Self::default(), |sum, path| sum.merge(Self::from_path(root, path))),
        }
    }

    fn from_path(root: &Path, path: &Path) -> Self {
        let parts: Vec<_> = path
            .strip_prefix(root)
            .unwrap_or(path)
            .iter()
            .map(|part| part.to_str().unwrap_or_default())
            .collect();
        match parts[..] {
            [.., file] if is_editor_file(file) => Self::default(),
            // The built SPA, which a debug build of the server reads from disk.
            ["crates", "pages", "dist", ..] => Self::default(),
            ["crates", "web" | "yew-session", ..] => Self::SPA,
            ["crates", "auth-core" | "api-types", ..] | ["Cargo.toml" | "Cargo.lock"] => Self::ALL,
            ["crates" | "apps", ..] => Self::SERVER,
            _ => Self::default(),
        }
    }
}

/// Returns whether a file name is that of a temporary file that an editor writes next to the real
/// file.
fn is_editor_file(file: &str) -> bool {
    file.starts_with('.') || file.ends_with(['~', '#']) || file.ends_with(".swp") || file == "4913"
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use notify::event::{AccessKind, CreateKind};

    use super::*;

    fn changes(kind: EventKind, path: &str) -> Rebuild {
        let root = PathBuf::from("/checkout");
        Rebuild::from_event(&root, &notify::Event::new(kind).add_path(root.join(path)))
    }

    #[test]
    fn a_change_rebuilds_the_parts_that_use_the_file() {
        for (path, expected) in [
            ("crates/web/styles/base.css", Rebuild::SPA),
            ("crates/yew-session/src/lib.rs", Rebuild::SPA),
            ("crates/accounts/src/lib.rs", Rebuild::SERVER),
            ("apps/server/src/main.rs", Rebuild::SERVER),
            ("crates/auth-core/src/email.rs", Rebuild::ALL),
            ("crates/api-types/Cargo.toml", Rebuild::ALL),
            ("Cargo.lock", Rebuild::ALL),
            ("crates/pages/src/lib.rs", Rebuild::SERVER),
            ("crates/pages/dist/index.html", Rebuild::default()),
            ("crates/pages/dist", Rebuild::default()),
            ("latchkey.db-wal", Rebuild::default()),
            ("crates/web/src/.main.rs.swp", Rebuild::default()),
        ] {
            assert_eq!(changes(EventKind::Create(CreateKind::File), path), expected, "{path}");
        }
    }

    #[test]
    fn reading_a_file_rebuilds_nothing() {
        let kind = EventKind::Access(AccessKind::Any);
        assert_eq!(changes(kind, "crates/web/src/main.rs"), Rebuild::default());
    }
}
