-- Attempts are counted, and browsers recognised that have signed in before.

CREATE TABLE counters (
    -- SHA-256 of what is counted: no address that a stranger has typed is kept.
    key     BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    -- JSON, as auth-core's Counter has it.
    state   TEXT    NOT NULL,
    -- From when on it says nothing any more.
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_by_end ON counters (ends_at);

-- One row: the secret that device tokens are made with.
CREATE TABLE device_key (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    key        BLOB    NOT NULL CHECK (length(key) = 32),
    created_at INTEGER NOT NULL
) STRICT;
