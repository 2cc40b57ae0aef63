-- Sessions get refresh tokens, limits without use, and what their user can tell them by.
--
-- Those that are open have no refresh token, could not be renewed and would be over within
-- the minutes that an access token lasts: they are ended, and the table is made anew.

DROP TABLE sessions;

CREATE TABLE sessions (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id             BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at          INTEGER NOT NULL,
    -- When it was opened or last renewed.
    last_used_at        INTEGER NOT NULL,
    -- When it ends unless it is renewed; never later than expires_at.
    idle_expires_at     INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at          INTEGER NOT NULL,
    -- Whether it outlives the browser.
    remember            INTEGER NOT NULL CHECK (remember IN (0, 1)),
    -- Where it was opened or last renewed from.
    ip                  TEXT,
    user_agent          TEXT,
    -- SHA-256 of what all its refresh tokens share, and of the one that is current.
    refresh_family      BLOB    NOT NULL UNIQUE CHECK (length(refresh_family) = 32),
    refresh_token       BLOB    NOT NULL CHECK (length(refresh_token) = 32),
    -- SHA-256 of the token before it, and what the current one was derived from that with.
    -- (It was replaced at last_used_at.)
    replaced_token      BLOB    CHECK (length(replaced_token) = 32),
    successor_salt      BLOB    CHECK (length(successor_salt) = 32),
    CHECK ((replaced_token IS NULL) = (successor_salt IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (idle_expires_at);

-- Since when nobody can log in.
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
