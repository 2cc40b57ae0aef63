-- Decoys, which stand in for accounts that do not exist.

CREATE TABLE decoy_state (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    -- The secret key that assigns a position to each email address. NULL until a server starts.
    key        BLOB    CHECK (length(key) = 32),
    -- Incremented by every change of the decoys.
    version    INTEGER NOT NULL,
    -- When the hashes of all accounts were last counted. NULL if they never were.
    counted_at INTEGER
) STRICT;

INSERT INTO decoy_state (id, version) VALUES (1, 1);

-- The kinds of imported hashes. A template has the parameters of a hash, with zeros for its salt and
-- its output.
CREATE TABLE decoy_classes (
    template     TEXT    NOT NULL PRIMARY KEY,
    accounts     INTEGER NOT NULL CHECK (accounts >= 0),
    max_accounts INTEGER NOT NULL CHECK (max_accounts >= accounts)
) STRICT, WITHOUT ROWID;

-- The decoy at each position that has one.
CREATE TABLE decoys (
    position INTEGER NOT NULL PRIMARY KEY CHECK (position BETWEEN 0 AND 255),
    template TEXT    NOT NULL
) STRICT;
