-- Followers of the audit log: handlers of an app that are called for each event.
CREATE TABLE event_followers (
    name          TEXT    NOT NULL PRIMARY KEY,
    -- The id of the last event that was handled. Not a foreign key: the event may be deleted.
    last_event    INTEGER NOT NULL,
    -- The time until which all events were handled.
    handled_until INTEGER NOT NULL,
    -- The server that runs the follower, and when its lease ends.
    holder        BLOB    CHECK (length(holder) = 16),
    held_until    INTEGER,
    CHECK ((holder IS NULL) = (held_until IS NULL))
) STRICT, WITHOUT ROWID;
