-- Second factors, passkeys, and the methods with which sessions were opened.

-- When the second factor was turned on. NULL if it is off.
ALTER TABLE users ADD COLUMN second_factor_at INTEGER;

-- The methods of the sign-in (RFC 8176), with spaces between them.
ALTER TABLE sessions ADD COLUMN amr TEXT NOT NULL DEFAULT 'pwd';

-- Has all columns of a session that a lookup reads.
DROP INDEX sessions_by_id;
CREATE INDEX sessions_by_id ON sessions (
    id, user_number, created_at, last_used_at, idle_expires_at, expires_at, remember, amr
);

-- The methods of the sign-in that an event of kind signed_in is about.
ALTER TABLE events ADD COLUMN amr TEXT;

-- The authenticator app of a user, once it is confirmed.
CREATE TABLE totp (
    user_number  INTEGER NOT NULL PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    secret       BLOB    NOT NULL CHECK (length(secret) = 20),
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    -- The time step of the last accepted code.
    last_step    INTEGER NOT NULL
) STRICT;

-- An app that is being set up.
CREATE TABLE pending_totp (
    user_number INTEGER NOT NULL PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    secret      BLOB    NOT NULL CHECK (length(secret) = 20),
    expires_at  INTEGER NOT NULL
) STRICT;

CREATE INDEX pending_totp_by_end ON pending_totp (expires_at);

-- The unused recovery codes.
CREATE TABLE recovery_codes (
    -- SHA-256 of the code.
    hash        BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user_number INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX recovery_codes_by_user ON recovery_codes (user_number);

-- One row for each user who has got recovery codes, even if all of them are used.
CREATE TABLE recovery_code_lists (
    user_number INTEGER NOT NULL PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    created_at  INTEGER NOT NULL
) STRICT;

CREATE TABLE passkeys (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_number     INTEGER NOT NULL REFERENCES users (number) ON DELETE CASCADE,
    credential_id   BLOB    NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
    -- The public key as a COSE_Key (RFC 9052, 7).
    public_key      BLOB    NOT NULL,
    name            TEXT    NOT NULL,
    sign_count      INTEGER NOT NULL,
    backup_eligible INTEGER NOT NULL CHECK (backup_eligible IN (0, 1)),
    backed_up       INTEGER NOT NULL CHECK (backed_up IN (0, 1)),
    created_at      INTEGER NOT NULL,
    last_used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX passkeys_by_user ON passkeys (user_number);

-- The wrong codes since the last success, as JSON (auth-core's CodeFailures). NULL if there are none.
CREATE TABLE code_failures (
    user_number    INTEGER NOT NULL PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    app_codes      TEXT,
    recovery_codes TEXT
) STRICT;

-- The ids of tickets and challenges that were used. The others need no row.
CREATE TABLE used_ids (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX used_ids_by_end ON used_ids (expires_at);

-- A session that is opened while the second factor is on has several methods. This also holds for
-- servers of earlier versions, which do not know second factors.
CREATE TRIGGER sessions_have_the_second_factor BEFORE INSERT ON sessions
WHEN NEW.amr NOT LIKE '%mfa%' AND EXISTS (
    SELECT 1 FROM users WHERE number = NEW.user_number AND second_factor_at IS NOT NULL
)
BEGIN
    SELECT RAISE(ABORT, 'the second factor of the account is on');
END;
