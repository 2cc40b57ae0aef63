-- Verified email addresses, codes, and the outbox of mails.

-- When the user proved to have access to the mailbox, or an operator said so. NULL if neither
-- happened.
ALTER TABLE users ADD COLUMN email_verified_at INTEGER;

-- Codes and reset tokens. Each purpose has at most one row for an email address, whether or not it
-- has an account.
CREATE TABLE codes (
    -- SHA-256 of the reset token, or of the code and the user or browser that can use it.
    hash          BLOB    NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    purpose       TEXT    NOT NULL,
    -- auth-core's EmailHash of the account's email address when the row was made, or of the email
    -- address that was typed.
    email_hash    BLOB    NOT NULL CHECK (length(email_hash) = 32),
    -- The account. NULL if the email address has none, or a disabled one.
    user_id       BLOB    CHECK (length(user_id) = 16),
    -- SHA-256 of the token of the browser that requested a code for signing in.
    browser       BLOB    UNIQUE CHECK (length(browser) = 32),
    -- 1 if the session of that sign-in should survive closing the browser.
    remember      INTEGER NOT NULL DEFAULT 0 CHECK (remember IN (0, 1)),
    -- The new email address and its normalised form, if the code changes the email address.
    new_email     TEXT,
    new_email_key TEXT,
    -- The number of wrong tries.
    tries         INTEGER NOT NULL DEFAULT 0,
    expires_at    INTEGER NOT NULL,
    UNIQUE (purpose, email_hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_user ON codes (user_id);
CREATE INDEX codes_by_end ON codes (expires_at);

-- Mails that have not been sent, and those that were rejected for good.
CREATE TABLE mails (
    id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    -- The kind of message.
    kind            TEXT    NOT NULL,
    -- The purpose of the code in the mail, or of the one that the mail stands in for. NULL for
    -- notices.
    purpose         TEXT,
    -- The email_hash of the code. NULL for notices.
    email_hash      BLOB    CHECK (length(email_hash) = 32),
    -- The account that the mail is about. NULL if there is none.
    user_id         BLOB    CHECK (length(user_id) = 16),
    -- The email address, with its domain in ASCII. Empty if nothing is sent.
    recipient       TEXT    NOT NULL,
    -- The message as JSON. It contains secrets until it is sent. NULL if it was rejected for good.
    message         TEXT,
    -- auth-core's CounterKey of the network of the client that requested the code. NULL for notices.
    network         BLOB    CHECK (length(network) = 32),
    created_at      INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    attempts        INTEGER NOT NULL DEFAULT 0,
    next_attempt_at INTEGER NOT NULL,
    -- When the mail was rejected for good. NULL if it was not.
    failed_at       INTEGER,
    -- Why the last attempt failed.
    reason          TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX mails_by_attempt ON mails (next_attempt_at) WHERE failed_at IS NULL;
CREATE INDEX mails_by_end ON mails (expires_at);
CREATE INDEX mails_by_email ON mails (email_hash) WHERE email_hash IS NOT NULL;
CREATE INDEX mails_by_user ON mails (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX mails_by_network ON mails (network) WHERE network IS NOT NULL AND failed_at IS NULL;
