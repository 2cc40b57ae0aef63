-- A recorded event is never changed, and is kept for 90 days or until its account is deleted. The
-- triggers enforce this for every role. The two functions delete the events that need not be kept,
-- so a server's role needs neither UPDATE nor DELETE on the table.

CREATE FUNCTION latchkey_reject_change_of_events() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are not changed' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER events_are_not_changed BEFORE UPDATE ON events
FOR EACH ROW EXECUTE FUNCTION latchkey_reject_change_of_events();

-- The period is 90 days in milliseconds, counted back from the newest event, or from the time of
-- the database if the newest event is in the future. Otherwise, a server with a wrong clock, or
-- anyone who can insert an event, could make all others old.
CREATE FUNCTION latchkey_keep_events() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' OR (
        OLD.at > least((SELECT max(at) FROM events), (extract(epoch FROM now()) * 1000)::bigint)
            - 7776000000
        AND (OLD.user_id IS NULL OR EXISTS (SELECT FROM users WHERE id = OLD.user_id))
    ) THEN
        RAISE EXCEPTION 'events are kept for 90 days'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN OLD;
END
$$;

CREATE TRIGGER events_are_kept BEFORE DELETE ON events
FOR EACH ROW EXECUTE FUNCTION latchkey_keep_events();

CREATE TRIGGER events_are_not_truncated BEFORE TRUNCATE ON events
FOR EACH STATEMENT EXECUTE FUNCTION latchkey_keep_events();

-- Deletes all events about a user whose account has been deleted. Returns the number deleted.
CREATE FUNCTION latchkey_delete_events_of(deleted_user uuid) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    deleted bigint;
BEGIN
    IF EXISTS (SELECT FROM users WHERE id = deleted_user) THEN
        RAISE EXCEPTION 'the account of these events still exists'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    DELETE FROM events WHERE user_id = deleted_user;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

-- Deletes up to max_rows events that happened at until or before, oldest first, but none that must
-- be kept. Leaves out events that another transaction is deleting. Returns the number deleted.
CREATE FUNCTION latchkey_purge_events(until bigint, max_rows integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    deleted bigint;
BEGIN
    WITH expired AS MATERIALIZED (
        SELECT id FROM events
        WHERE at <= least(
            until,
            (SELECT max(at) FROM events) - 7776000000,
            (extract(epoch FROM now()) * 1000)::bigint - 7776000000
        )
        ORDER BY at LIMIT max_rows FOR UPDATE SKIP LOCKED
    )
    DELETE FROM events USING expired WHERE events.id = expired.id;
    GET DIAGNOSTICS deleted = ROW_COUNT;
    RETURN deleted;
END
$$;

-- Begins a new epoch of the audit log if it contains events of transactions that this cluster has
-- not reached. A server's role cannot change the epoch otherwise, and so cannot choose the positions
-- of events.
CREATE FUNCTION latchkey_renew_event_epoch() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE latchkey_meta SET event_epoch = event_epoch + 1
    WHERE (SELECT max(xid) FROM events)
        >= latchkey_event_position(pg_snapshot_xmax(pg_current_snapshot()));
END
$$;

REVOKE EXECUTE ON FUNCTION latchkey_renew_event_epoch() FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION latchkey_delete_events_of(uuid) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION latchkey_purge_events(bigint, integer) FROM PUBLIC;

-- The functions find the tables of this schema, whatever the search path of their caller is. By
-- default, temporary tables of the caller would be searched first.
DO $$
DECLARE
    path text := format('pg_catalog, %I, pg_temp', current_schema());
BEGIN
    EXECUTE format('ALTER FUNCTION latchkey_event_position(xid8) SET search_path = %s', path);
    EXECUTE format('ALTER FUNCTION latchkey_renew_event_epoch() SET search_path = %s', path);
    EXECUTE format('ALTER FUNCTION latchkey_keep_events() SET search_path = %s', path);
    EXECUTE format('ALTER FUNCTION latchkey_delete_events_of(uuid) SET search_path = %s', path);
    EXECUTE format(
        'ALTER FUNCTION latchkey_purge_events(bigint, integer) SET search_path = %s', path
    );
END
$$;
