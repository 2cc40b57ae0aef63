-- Who did what, when, and from where: the trail that users and operators read.

CREATE TABLE events (
    -- In the order in which they were written.
    id         INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    -- Whether an operator did it, or somebody over the network.
    operator   INTEGER NOT NULL CHECK (operator IN (0, 1)),
    -- Whose account it is about. (No reference: it outlives the account that it says was deleted.)
    user_id    BLOB    CHECK (length(user_id) = 16),
    session_id BLOB    CHECK (length(session_id) = 16),
    -- From where.
    ip         TEXT,
    user_agent TEXT,
    -- The signing key that it is about.
    kid        TEXT
) STRICT;

CREATE INDEX events_by_user ON events (user_id, id);
CREATE INDEX events_by_time ON events (at);

-- What is written stays as it is,
CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
BEGIN
    SELECT RAISE(ABORT, 'events are not changed');
END;

-- and stays for 90 days (counted back from the last one, in milliseconds), or until the
-- account is deleted.
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
WHEN OLD.at > (SELECT max(at) FROM events) - 7776000000
    AND (OLD.user_id IS NULL OR EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id))
BEGIN
    SELECT RAISE(ABORT, 'events are kept for 90 days');
END;
