-- Counts repeated uses of refresh tokens.

-- How many times replaced_token has been used again.
ALTER TABLE sessions ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;

-- Finds the repeated uses that the audit log contains.
CREATE INDEX events_of_repeats ON events (session_id) WHERE kind = 'refresh_token_repeated';
