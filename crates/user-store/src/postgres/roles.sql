-- Grants the privileges on the tables to the roles latchkey_app and latchkey_read, if they exist.
-- The owner of the tables runs this after every migration. It can be repeated.

DO $$
DECLARE
    function regprocedure;
BEGIN
    -- Only latchkey_app may call the functions that change what it cannot change itself.
    FOR function IN
        SELECT oid FROM pg_proc
        WHERE proname IN (
                'latchkey_purge_events', 'latchkey_delete_events_of', 'latchkey_renew_event_epoch'
            )
            AND pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', function);
        IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_app') THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO latchkey_app', function);
        END IF;
    END LOOP;

    -- The role of the servers. It cannot change events, and deletes them only by the functions.
    -- pg_dump reads the sequences too.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_app') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE
            ON users, sessions, counters, codes, mails, totp, pending_totp, recovery_codes,
               recovery_code_lists, passkeys, code_failures, used_ids, signing_keys, decoy_classes,
               decoys, event_followers, servers, user_metadata
            TO latchkey_app;
        GRANT SELECT, UPDATE ON signing_key_set, decoy_state TO latchkey_app;
        GRANT SELECT ON latchkey_meta TO latchkey_app;
        -- The database assigns id and xid, which determine the order of the audit log.
        GRANT SELECT, INSERT (at, kind, operator, user_id, session_id, ip, user_agent, kid, amr,
                              detail)
            ON events TO latchkey_app;
        GRANT SELECT ON SEQUENCE events_id_seq, signing_keys_id_seq TO latchkey_app;
    END IF;

    -- The role for reports. It cannot read keys, secrets of apps, hashes of passwords, hashes of
    -- tokens or codes, messages, which contain tokens and codes, or metadata.
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'latchkey_read') THEN
        GRANT SELECT (id, email, email_key, created_at, disabled_at, password_version,
                      device_version, email_verified_at, second_factor_at, roles)
            ON users TO latchkey_read;
        GRANT SELECT (id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember,
                      ip, user_agent, repeats, amr)
            ON sessions TO latchkey_read;
        GRANT SELECT (state, ends_at) ON counters TO latchkey_read;
        GRANT SELECT (purpose, user_id, expires_at, tries) ON codes TO latchkey_read;
        GRANT SELECT (user_id, created_at, last_used_at) ON totp TO latchkey_read;
        GRANT SELECT (user_id, expires_at) ON pending_totp TO latchkey_read;
        GRANT SELECT (user_id) ON recovery_codes TO latchkey_read;
        GRANT SELECT (expires_at) ON used_ids TO latchkey_read;
        GRANT SELECT (user_id) ON user_metadata TO latchkey_read;
        GRANT SELECT (id, kind, purpose, email_hash, user_id, recipient, network, created_at,
                      expires_at, attempts, next_attempt_at, failed_at, reason, claimed_until)
            ON mails TO latchkey_read;
        GRANT SELECT (id, created_at, signs_from) ON signing_keys TO latchkey_read;
        GRANT SELECT (id, version, counted_at) ON decoy_state TO latchkey_read;
        GRANT SELECT
            ON recovery_code_lists, passkeys, code_failures, events, signing_key_set,
               decoy_classes, decoys, event_followers, latchkey_meta, servers
            TO latchkey_read;
    END IF;
END
$$;
