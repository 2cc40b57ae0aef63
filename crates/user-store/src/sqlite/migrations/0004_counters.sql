-- Counters of attempts, for the throttle.

CREATE TABLE counters (
    -- auth-core's CounterKey: a SHA-256, so that no text typed as an email address is stored.
    key     BLOB    NOT NULL PRIMARY KEY CHECK (length(key) = 32),
    -- The JSON form of auth-core's Counter.
    state   TEXT    NOT NULL,
    -- The time from which its attempts no longer count and the counter can be deleted.
    ends_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX counters_by_end ON counters (ends_at);
