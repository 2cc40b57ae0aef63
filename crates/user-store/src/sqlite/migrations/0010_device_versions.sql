-- The version of the browsers that an account knows. An increment makes all of them unknown.
ALTER TABLE users ADD COLUMN device_version INTEGER NOT NULL DEFAULT 0;
