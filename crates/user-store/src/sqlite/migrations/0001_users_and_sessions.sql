-- Ids are UUIDv7, stored as 16 bytes. They sort by time, so new rows go to the end of the tree.
-- Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- The address as the user typed it, for display.
    email         TEXT    NOT NULL,
    -- The address in lower case with an ASCII domain, so that two spellings of it conflict.
    email_key     TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Ended sessions are deleted, so every row that has not expired is an active session.
CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Ed25519 seeds. They are secret, so only the owner of the database file may read it.
CREATE TABLE signing_keys (
    id         INTEGER NOT NULL PRIMARY KEY,
    seed       BLOB    NOT NULL UNIQUE CHECK (length(seed) = 32),
    created_at INTEGER NOT NULL
) STRICT;
