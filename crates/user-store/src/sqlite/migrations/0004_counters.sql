-- Attempts are counted.

CREATE TABLE counters (
    -- SHA-256 of what is counted: no address that a stranger has typed is kept.
    key     BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    -- JSON, as auth-core's Counter has it.
    state   TEXT    NOT NULL,
    -- From when on it says nothing any more.
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_by_end ON counters (ends_at);
