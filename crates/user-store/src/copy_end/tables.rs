//! The tables that are copied, and their columns.

/// A table that both kinds of stores have.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// The columns. The first one is the primary key.
    pub(crate) columns: &'static [&'static str],
    pub(crate) kind: TableKind,
}

/// The rows of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TableKind {
    /// The table is empty in a new store.
    Rows,
    /// The table has one row from the start, which a copy replaces.
    OneRow,
}

impl Table {
    /// Returns the column of the primary key.
    pub(crate) fn key(&self) -> &'static str {
        self.columns[0]
    }
}

pub(crate) const EVENTS: &str = "events";

/// The tables, in the order in which rows can be added without violating a foreign key.
pub(crate) const TABLES: &[Table] = &[
    Table {
        name: "users",
        columns: &[
            "id",
            "email",
            "email_key",
            "password_hash",
            "created_at",
            "disabled_at",
            "password_version",
            "device_version",
            "email_verified_at",
            "second_factor_at",
            "roles",
        ],
        kind: TableKind::Rows,
    },
    Table {
        name: "sessions",
        columns: &[
            "id",
            "user_id",
            "created_at",
            "last_used_at",
            "idle_expires_at",
            "expires_at",
            "remember",
            "ip",
            "user_agent",
            "refresh_family",
            "refresh_token",
            "replaced_token",
            "successor_salt",
            "repeats",
            "amr",
        ],
        kind: TableKind::Rows,
    },
    Table {
        name: "totp",
        columns: &["user_id", "secret", "created_at", "last_used_at", "last_step"],
        kind: TableKind::Rows,
    },
    Table {
        name: "pending_totp",
        columns: &["user_id", "secret", "expires_at"],
        kind: TableKind::Rows,
    },
    Table { name: "recovery_codes", columns: &["hash", "user_id"], kind: TableKind::Rows },
    Table {
        name: "recovery_code_lists",
        columns: &["user_id", "created_at"],
        kind: TableKind::Rows,
    },
    Table {
        name: "passkeys",
        columns: &[
            "id",
            "user_id",
            "credential_id",
            "public_key",
            "name",
            "sign_count",
            "backup_eligible",
            "backed_up",
            "created_at",
            "last_used_at",
        ],
        kind: TableKind::Rows,
    },
    Table {
        name: "code_failures",
        columns: &["user_id", "app_codes", "recovery_codes"],
        kind: TableKind::Rows,
    },
    Table {
        name: "user_metadata",
        columns: &["user_id", "public", "private"],
        kind: TableKind::Rows,
    },
    Table { name: "used_ids", columns: &["id", "expires_at"], kind: TableKind::Rows },
    Table {
        name: "codes",
        columns: &[
            "hash",
            "purpose",
            "email_hash",
            "user_id",
            "browser",
            "remember",
            "new_email",
            "new_email_key",
            "tries",
            "expires_at",
        ],
        kind: TableKind::Rows,
    },
    Table {
        name: "mails",
        columns: &[
            "id",
            "kind",
            "purpose",
            "email_hash",
            "user_id",
            "recipient",
            "message",
            "network",
            "created_at",
            "expires_at",
            "attempts",
            "next_attempt_at",
            "failed_at",
            "reason",
            "claimed_until",
        ],
        kind: TableKind::Rows,
    },
    Table { name: "counters", columns: &["key", "state", "ends_at"], kind: TableKind::Rows },
    Table {
        name: EVENTS,
        columns: &[
            "id",
            "at",
            "kind",
            "operator",
            "user_id",
            "session_id",
            "ip",
            "user_agent",
            "kid",
            "amr",
            "detail",
        ],
        kind: TableKind::Rows,
    },
    Table {
        name: "signing_keys",
        columns: &["id", "seed", "created_at", "signs_from"],
        kind: TableKind::Rows,
    },
    // After the keys: adding a key increments the version in some stores.
    Table { name: "signing_key_set", columns: &["id", "version"], kind: TableKind::OneRow },
    Table {
        name: DECOY_STATE,
        columns: &["id", "key", "version", "counted_at"],
        kind: TableKind::OneRow,
    },
    Table {
        name: "decoy_classes",
        columns: &["template", "accounts", "max_accounts"],
        kind: TableKind::Rows,
    },
    Table { name: "decoys", columns: &["position", "template"], kind: TableKind::Rows },
];

pub(crate) const DECOY_STATE: &str = "decoy_state";
