-- Creates the roles for a Latchkey database. Existing roles are not changed.
--
-- Run this once as a superuser, in a database for Latchkey alone, because it revokes the privileges
-- of all other roles on the database and the schema public. Its encoding must be UTF8:
--
--   createdb --template=template0 --encoding=UTF8 latchkey
--   latchkey migrate --print-roles | psql --set=ON_ERROR_STOP=1 latchkey
--
-- Then set the passwords in psql, which sends them hashed:
--
--   \password latchkey_owner
--   \password latchkey_app
--   \password latchkey_read
--
-- and create the tables as latchkey_owner:
--
--   latchkey migrate --database-file FILE_WITH_URL_OF_OWNER

BEGIN;

DO $$
DECLARE
    role text;
BEGIN
    -- latchkey_owner owns the tables. It is for latchkey migrate.
    -- latchkey_app reads and writes rows. It is for latchkey serve and the other commands.
    -- latchkey_read reads rows, but no keys and no hashes. It is for reports.
    FOREACH role IN ARRAY ARRAY['latchkey_owner', 'latchkey_app', 'latchkey_read'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format(
                'CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', role);
        END IF;
    END LOOP;

    -- Only these roles may connect. Only latchkey_owner may create tables.
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format(
        'GRANT CONNECT ON DATABASE %I TO latchkey_owner, latchkey_app, latchkey_read',
        current_database());
END
$$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO latchkey_owner;
GRANT USAGE ON SCHEMA public TO latchkey_app, latchkey_read;

-- latchkey migrate grants latchkey_app and latchkey_read the privileges on each table. If the
-- tables exist already, make latchkey_owner their owner, and run latchkey migrate again.

COMMIT;
