-- Ids are UUIDv7 as 16 bytes: they sort by time, so new rows land at the end of the tree.
-- Times are milliseconds since 1970-01-01T00:00:00Z.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- As it was typed, to be shown.
    email         TEXT    NOT NULL,
    -- Lower case and the domain in ASCII: two spellings of one address collide here.
    email_key     TEXT    NOT NULL UNIQUE,
    password_hash TEXT    NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A session that is ended is deleted, so that what is here and not expired is alive.
CREATE TABLE sessions (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Ed25519 seeds. They are why the file is readable by its owner alone.
CREATE TABLE signing_keys (
    id         INTEGER NOT NULL PRIMARY KEY,
    seed       BLOB    NOT NULL UNIQUE CHECK (length(seed) = 32),
    created_at INTEGER NOT NULL
) STRICT;
