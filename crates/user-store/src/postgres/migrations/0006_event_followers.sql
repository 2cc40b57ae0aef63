-- Followers of the audit log: handlers of an app that are called for each event.
CREATE TABLE event_followers (
    name          text COLLATE "C" NOT NULL PRIMARY KEY,
    -- The position of the last event that was handled: its transaction and its id. Not a foreign
    -- key: the event may be deleted.
    last_xid      bigint NOT NULL,
    last_event    bigint NOT NULL,
    -- The time until which all events were handled.
    handled_until bigint NOT NULL,
    -- The server that runs the follower, and when its lease ends.
    holder        bytea  CHECK (length(holder) = 16),
    held_until    bigint,
    CHECK ((holder IS NULL) = (held_until IS NULL))
);
