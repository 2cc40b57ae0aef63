-- Roles and metadata.

-- The names of the roles, in alphabetical order, with a space between them.
ALTER TABLE users ADD COLUMN roles text NOT NULL DEFAULT '';

-- The role, or the value of the metadata, that an event is about.
ALTER TABLE events ADD COLUMN detail text;

-- Data of the app, as JSON. An account without it has no row.
CREATE TABLE user_metadata (
    user_id uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    -- The user can read this value.
    public  text CHECK (octet_length(public) <= 16384),
    -- Only the app reads this value.
    private text CHECK (octet_length(private) <= 16384)
);
