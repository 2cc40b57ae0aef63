-- Adds refresh tokens, idle expiry and client information to sessions.
--
-- Existing sessions have no refresh token, so they would end with their access tokens, within
-- minutes. They are ended now, and the table is created again.

DROP TABLE sessions;

CREATE TABLE sessions (
    id                  BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id             BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at          INTEGER NOT NULL,
    -- When the session was opened or last refreshed.
    last_used_at        INTEGER NOT NULL,
    -- When the session expires unless it is refreshed. Never later than expires_at.
    idle_expires_at     INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at          INTEGER NOT NULL,
    -- 1 if the session continues after the browser is closed.
    remember            INTEGER NOT NULL CHECK (remember IN (0, 1)),
    -- The client that opened or last refreshed the session.
    ip                  TEXT,
    user_agent          TEXT,
    -- SHA-256 of the part that all its refresh tokens share, and of the current token.
    refresh_family      BLOB    NOT NULL UNIQUE CHECK (length(refresh_family) = 32),
    refresh_token       BLOB    NOT NULL CHECK (length(refresh_token) = 32),
    -- SHA-256 of the previous token, which was replaced at last_used_at, and the salt with which
    -- the current token was derived from it.
    replaced_token      BLOB    CHECK (length(replaced_token) = 32),
    successor_salt      BLOB    CHECK (length(successor_salt) = 32),
    CHECK ((replaced_token IS NULL) = (successor_salt IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (idle_expires_at);

-- When the account was disabled. NULL if it is enabled.
ALTER TABLE users ADD COLUMN disabled_at INTEGER;
