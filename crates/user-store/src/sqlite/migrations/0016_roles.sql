-- Roles and metadata.

-- The names of the roles, in alphabetical order, with a space between them.
ALTER TABLE users ADD COLUMN roles TEXT NOT NULL DEFAULT '';

-- The role, or the value of the metadata, that an event is about.
ALTER TABLE events ADD COLUMN detail TEXT;

-- Data of the app, as JSON. An account without it has no row.
CREATE TABLE user_metadata (
    user_number INTEGER NOT NULL PRIMARY KEY REFERENCES users (number) ON DELETE CASCADE,
    -- The user can read this value.
    public      TEXT CHECK (length(CAST(public AS BLOB)) <= 16384),
    -- Only the app reads this value.
    private     TEXT CHECK (length(CAST(private AS BLOB)) <= 16384)
) STRICT;
