//! Statements that read facts about the server, the role and the database.

/// The server and the connection. Other servers that speak PostgreSQL's protocol may lack some
/// settings. `pg_stat_activity` would hide the kind of the connections of other roles.
pub(in crate::postgres) const SERVER: &str = "
    SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
           current_setting('server_encoding') AS encoding,
           (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls,
           pg_is_in_recovery() AS is_in_recovery,
           current_setting('transaction_read_only') = 'on' AS is_read_only,
           current_setting('fsync', true) = 'on' AS fsync,
           current_setting('synchronous_commit', true) AS synchronous_commit,
           current_setting('max_connections')::bigint
               - coalesce(current_setting('superuser_reserved_connections', true)::bigint, 0)
               - coalesce(current_setting('reserved_connections', true)::bigint, 0)
               AS max_connections,
           (SELECT coalesce(sum(numbackends), 0)::bigint FROM pg_stat_database WHERE datid <> 0)
               AS connections,
           coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'), 0)
               AS statement_timeout,
           coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'), 0)
               AS lock_timeout,
           coalesce((SELECT setting::bigint FROM pg_settings
                     WHERE name = 'idle_in_transaction_session_timeout'), 0)
               AS idle_in_transaction_timeout";

/// The server's clock, in milliseconds since 1970.
pub(in crate::postgres) const TIME: &str =
    "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

pub(in crate::postgres) const ROLE: &str = "
    SELECT current_user::text AS name,
           rolsuper AS is_superuser,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS can_create,
           rolconnlimit::bigint AS connection_limit
    FROM pg_roles WHERE rolname = current_user";

/// The privileges of `latchkey_app` in `roles.sql` that the role lacks.
pub(in crate::postgres) const MISSING_PRIVILEGES: &str = "
    SELECT privilege || ' on ' || name
    FROM (VALUES ('users', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('sessions', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('counters', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('events', 'SELECT'),
                 ('codes', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('mails', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('totp', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('pending_totp', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('recovery_codes', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('recovery_code_lists', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('passkeys', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('code_failures', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('used_ids', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('user_metadata', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('signing_keys', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('signing_key_set', 'SELECT,UPDATE'),
                 ('decoy_state', 'SELECT,UPDATE'),
                 ('decoy_classes', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('decoys', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('event_followers', 'SELECT,INSERT,UPDATE,DELETE'),
                 ('latchkey_meta', 'SELECT'),
                 ('servers', 'SELECT,INSERT,UPDATE,DELETE')) AS tables (name, privileges),
         unnest(string_to_array(privileges, ',')) AS privilege
    WHERE has_table_privilege(to_regclass(name), privilege) = false
    UNION ALL
    SELECT 'INSERT on events'
    WHERE EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = to_regclass('events')
            AND attname IN ('at', 'kind', 'operator', 'user_id', 'session_id', 'ip', 'user_agent',
                'kid', 'amr', 'detail')
            AND NOT has_column_privilege(attrelid, attnum, 'INSERT')
    )
    UNION ALL
    SELECT 'EXECUTE on ' || proname
    FROM pg_proc
    WHERE proname IN (
            'latchkey_purge_events', 'latchkey_delete_events_of', 'latchkey_renew_event_epoch'
        )
        AND pg_function_is_visible(oid)
        AND NOT has_function_privilege(oid, 'EXECUTE')";

pub(in crate::postgres) const MAIL_COUNTS: &str = "
    SELECT count(*) FILTER (WHERE failed_at IS NULL) AS unsent, count(failed_at) AS failed
    FROM mails WHERE kind <> 'nothing'";

pub(in crate::postgres) const NEWEST: &str = "
    SELECT max(at) FROM (
        SELECT max(created_at) AS at FROM users
        UNION ALL SELECT max(last_used_at) FROM sessions
        UNION ALL SELECT max(created_at) FROM signing_keys
        UNION ALL SELECT max(at) FROM events) AS times";

/// Begins a transaction whose statements may take long.
pub(in crate::postgres) const BEGIN_LONG_READ: &str =
    "BEGIN READ ONLY; SET LOCAL statement_timeout = '10min'";

/// The hashes that are not in Latchkey's own format.
pub(in crate::postgres) const FOREIGN_HASHES: &str =
    "SELECT password_hash FROM users WHERE NOT starts_with(password_hash, '$pbkdf2-sha256$i=')";

/// The versions of the servers that have written their heartbeat during the last minute.
pub(in crate::postgres) const LATCHKEY_SERVERS: &str = "
    SELECT version FROM servers
    WHERE last_seen_at > floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000
    ORDER BY version";
