-- The version of the set of signing keys, in one row. The triggers increment it for every key that
-- is added or deleted. It is read with every session.

CREATE TABLE signing_key_set (
    id      INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL
) STRICT;

INSERT INTO signing_key_set (id, version) VALUES (1, 1);

CREATE TRIGGER signing_key_added AFTER INSERT ON signing_keys
BEGIN
    UPDATE signing_key_set SET version = version + 1;
END;

CREATE TRIGGER signing_key_retired AFTER DELETE ON signing_keys
BEGIN
    UPDATE signing_key_set SET version = version + 1;
END;
