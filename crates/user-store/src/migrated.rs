/// The versions of a schema before and after a migration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version before. Zero if there was no schema.
    pub from: i64,
    /// The version now.
    pub to: i64,
}
