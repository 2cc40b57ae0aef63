-- Lets a lookup of a session read fewer pages. Every user gets a number, by which sessions refer to
-- their user, and an index contains all columns of a session that a lookup reads.
--
-- Foreign keys are enforced during a migration. Therefore the old sessions are dropped before the
-- old users, and no deletion cascades. The trigger refers to users, so it is created again at the
-- end. The indexes are created after the rows are copied, because sorting all keys at once is
-- faster than inserting them one by one.

DROP TRIGGER events_are_kept;
ALTER TABLE users RENAME TO old_users;
ALTER TABLE sessions RENAME TO old_sessions;

CREATE TABLE users (
    -- Never used again after the account is deleted.
    number           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id               BLOB    NOT NULL CHECK (length(id) = 16),
    -- The email address as the user typed it, for display.
    email            TEXT    NOT NULL,
    -- The email address in lower case with an ASCII domain, so that two spellings of it conflict.
    email_key        TEXT    NOT NULL,
    password_hash    TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    -- When the account was disabled. NULL if it is enabled.
    disabled_at      INTEGER,
    -- The version of the password. Every password change increments it; a rehash of the same
    -- password does not.
    password_version INTEGER NOT NULL DEFAULT 0,
    -- The version of the browsers that the account knows. An increment makes all of them unknown.
    device_version   INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO users (
    id, email, email_key, password_hash, created_at, disabled_at, password_version, device_version
)
SELECT
    id, email, email_key, password_hash, created_at, disabled_at, password_version, device_version
FROM old_users ORDER BY id;

CREATE UNIQUE INDEX users_by_id ON users (id);
CREATE UNIQUE INDEX users_by_email ON users (email_key);

-- Ended sessions are deleted, so every row that has not expired is an active session.
CREATE TABLE sessions (
    id              BLOB    NOT NULL CHECK (length(id) = 16),
    user_number     INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    created_at      INTEGER NOT NULL,
    -- When the session was opened or last refreshed.
    last_used_at    INTEGER NOT NULL,
    -- When the session expires unless it is refreshed. Never later than expires_at.
    idle_expires_at INTEGER NOT NULL CHECK (idle_expires_at <= expires_at),
    expires_at      INTEGER NOT NULL,
    -- 1 if the session continues after the browser is closed.
    remember        INTEGER NOT NULL CHECK (remember IN (0, 1)),
    -- The client that opened or last refreshed the session.
    ip              TEXT,
    user_agent      TEXT,
    -- SHA-256 of the part that all its refresh tokens share, and of the current token.
    refresh_family  BLOB    NOT NULL CHECK (length(refresh_family) = 32),
    refresh_token   BLOB    NOT NULL CHECK (length(refresh_token) = 32),
    -- SHA-256 of the previous token, which was replaced at last_used_at, and the salt with which
    -- the current token was derived from it.
    replaced_token  BLOB    CHECK (length(replaced_token) = 32),
    successor_salt  BLOB    CHECK (length(successor_salt) = 32),
    -- How many times replaced_token has been used again.
    repeats         INTEGER NOT NULL DEFAULT 0,
    CHECK ((replaced_token IS NULL) = (successor_salt IS NULL))
) STRICT;

INSERT INTO sessions (
    id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember, ip,
    user_agent, refresh_family, refresh_token, replaced_token, successor_salt, repeats
)
SELECT
    s.id, u.number, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at, s.remember, s.ip,
    s.user_agent, s.refresh_family, s.refresh_token, s.replaced_token, s.successor_salt, s.repeats
FROM old_sessions s CROSS JOIN users u ON u.id = s.user_id ORDER BY s.id;

DROP TABLE old_sessions;
DROP TABLE old_users;

-- Begins with the id, and has the other columns that a lookup reads. If the index were unique, all
-- its columns together would have to be unique, not the id alone. So a trigger rejects an id that
-- is already used.
CREATE INDEX sessions_by_id ON sessions (
    id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember
);

CREATE TRIGGER sessions_have_different_ids BEFORE INSERT ON sessions
WHEN EXISTS (SELECT 1 FROM sessions WHERE id = NEW.id)
BEGIN
    SELECT RAISE(ABORT, 'the id of a session is not used again');
END;

CREATE UNIQUE INDEX sessions_by_family ON sessions (refresh_family);
CREATE INDEX sessions_by_user ON sessions (user_number);
CREATE INDEX sessions_by_end ON sessions (idle_expires_at);

-- An event is kept for 90 days (in milliseconds, counted back from the newest event), or until its
-- account is deleted.
CREATE TRIGGER events_are_kept BEFORE DELETE ON events
WHEN OLD.at > (SELECT max(at) FROM events) - 7776000000
    AND (OLD.user_id IS NULL OR EXISTS (SELECT 1 FROM users WHERE id = OLD.user_id))
BEGIN
    SELECT RAISE(ABORT, 'events are kept for 90 days');
END;
