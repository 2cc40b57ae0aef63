-- Which of the user's passwords it is. Another after every change; the same when only the
-- hash is renewed.
ALTER TABLE users ADD COLUMN password_version INTEGER NOT NULL DEFAULT 0;
