-- Second factors, passkeys, and the methods with which sessions were opened.

-- When the second factor was turned on. NULL if it is off.
ALTER TABLE users ADD COLUMN second_factor_at bigint;

-- The methods of the sign-in (RFC 8176), with spaces between them.
ALTER TABLE sessions ADD COLUMN amr text NOT NULL DEFAULT 'pwd';

-- The methods of the sign-in that an event of kind signed_in is about.
ALTER TABLE events ADD COLUMN amr text;

-- The authenticator app of a user, once it is confirmed.
CREATE TABLE totp (
    user_id      uuid   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret       bytea  NOT NULL CHECK (length(secret) = 20),
    created_at   bigint NOT NULL,
    last_used_at bigint,
    -- The time step of the last accepted code.
    last_step    bigint NOT NULL
);

-- An app that is being set up.
CREATE TABLE pending_totp (
    user_id    uuid   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret     bytea  NOT NULL CHECK (length(secret) = 20),
    expires_at bigint NOT NULL
);

CREATE INDEX pending_totp_by_end ON pending_totp (expires_at);

-- The unused recovery codes.
CREATE TABLE recovery_codes (
    -- SHA-256 of the code.
    hash    bytea NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
    user_id uuid  NOT NULL REFERENCES users (id) ON DELETE CASCADE
);

CREATE INDEX recovery_codes_by_user ON recovery_codes (user_id);

-- One row for each user who has got recovery codes, even if all of them are used.
CREATE TABLE recovery_code_lists (
    user_id    uuid   NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    created_at bigint NOT NULL
);

CREATE TABLE passkeys (
    id              uuid    NOT NULL PRIMARY KEY,
    user_id         uuid    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id   bytea   NOT NULL UNIQUE CHECK (length(credential_id) BETWEEN 1 AND 1023),
    -- The public key as a COSE_Key (RFC 9052, 7).
    public_key      bytea   NOT NULL,
    name            text    NOT NULL,
    sign_count      bigint  NOT NULL,
    backup_eligible boolean NOT NULL,
    backed_up       boolean NOT NULL,
    created_at      bigint  NOT NULL,
    last_used_at    bigint
);

CREATE INDEX passkeys_by_user ON passkeys (user_id);

-- The wrong codes since the last success, as JSON (auth-core's CodeFailures). NULL if there are none.
CREATE TABLE code_failures (
    user_id        uuid NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    app_codes      text,
    recovery_codes text
);

-- The ids of tickets and challenges that were used. The others need no row.
CREATE TABLE used_ids (
    id         bytea  NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    expires_at bigint NOT NULL
);

CREATE INDEX used_ids_by_end ON used_ids (expires_at);

-- A session that is opened while the second factor is on has several methods. This also holds for
-- servers of earlier versions, which do not know second factors.
CREATE FUNCTION latchkey_check_second_factor() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM users WHERE id = NEW.user_id AND second_factor_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'the second factor of the account is on';
    END IF;
    RETURN NEW;
END
$$;

CREATE TRIGGER sessions_have_the_second_factor BEFORE INSERT ON sessions
FOR EACH ROW WHEN (NEW.amr NOT LIKE '%mfa%') EXECUTE FUNCTION latchkey_check_second_factor();

-- The function finds the table of this schema, whatever the search path of its caller is. By
-- default, temporary tables of the caller would be searched first.
DO $$
BEGIN
    EXECUTE format(
        'ALTER FUNCTION latchkey_check_second_factor() SET search_path = pg_catalog, %I, pg_temp',
        current_schema()
    );
END
$$;
