-- The audit log, which users and operators can read.

CREATE TABLE events (
    -- In the order of recording.
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    -- 1 if an operator caused the event, 0 if a client on the network did.
    operator   INTEGER NOT NULL CHECK (operator IN (0, 1)),
    -- The account that the event is about. Not a foreign key: the event of a deletion is kept after
    -- the account is deleted.
    user_id    BLOB    CHECK (length(user_id) = 16),
    session_id BLOB    CHECK (length(session_id) = 16),
    -- The client that sent the request.
    ip         TEXT,
    user_agent TEXT,
    -- The signing key that the event is about.
    kid        TEXT
) STRICT;

CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_time ON events (at);

-- A recorded event is never changed.
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are not changed');
END;

-- An event is kept for 90 days (in milliseconds, counted back from the newest event), or until its
-- account is deleted.
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
WHEN OLD.at > (SELECT max(at) FROM events) - 7776000000
    AND (OLD.user_id IS NULL OR EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id))
BEGIN
    SELECT RAISE(ABORT, 'events are kept for 90 days');
END;
