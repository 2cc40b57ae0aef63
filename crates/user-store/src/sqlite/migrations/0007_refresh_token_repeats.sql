-- Counts repeated uses of refresh tokens.

-- How many times replaced_token has been used again.
ALTER TABLE sessions ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;
-- The time and the client's IP address of the latest repeated use that the audit log contains.
ALTER TABLE sessions ADD COLUMN repeat_recorded_at INTEGER;
ALTER TABLE sessions ADD COLUMN repeat_recorded_ip TEXT;
