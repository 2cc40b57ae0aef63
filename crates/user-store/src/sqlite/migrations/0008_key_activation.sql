-- The time from which a key signs. Until then, it is only published.

-- Existing keys sign from 1970 on, and not from created_at on: the clock may have been ahead when
-- the newest key was generated, and that key must still sign.
ALTER TABLE signing_keys ADD COLUMN signs_from INTEGER NOT NULL DEFAULT 0;
