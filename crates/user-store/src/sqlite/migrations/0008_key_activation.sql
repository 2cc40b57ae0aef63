-- The time from which a key signs. Until then, it is only published.

ALTER TABLE signing_keys ADD COLUMN signs_from INTEGER NOT NULL DEFAULT 0;

-- Every existing key has signed since it was generated.
UPDATE signing_keys SET signs_from = created_at;
