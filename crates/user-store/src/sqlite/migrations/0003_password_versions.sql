-- The version of the password. Every password change increments it; a rehash of the same password
-- does not.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;
