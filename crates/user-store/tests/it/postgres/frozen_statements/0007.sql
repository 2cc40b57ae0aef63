-- (uuid) -> ()
DELETE FROM code_failures WHERE user_id = $1;
-- (_bytea) -> ()
DELETE FROM codes WHERE hash = ANY($1);
-- (text, bytea) -> ()
DELETE FROM codes WHERE purpose = $1 AND email_hash = $2;
-- (uuid) -> ()
DELETE FROM codes WHERE user_id = $1;
-- (_bytea) -> ()
DELETE FROM counters WHERE key = ANY($1);
-- () -> ()
DELETE FROM decoy_classes;
-- () -> ()
DELETE FROM decoys;
-- (bytea, text) -> ()
DELETE FROM mails WHERE email_hash = $1 AND purpose = $2 AND failed_at IS NULL;
-- (uuid) -> ()
DELETE FROM mails WHERE id = $1 AND failed_at IS NULL;
-- (_uuid) -> ()
DELETE FROM mails WHERE id = ANY($1);
-- (uuid) -> ()
DELETE FROM mails WHERE user_id = $1 AND (purpose IS NOT NULL OR failed_at IS NOT NULL);
-- (uuid) -> ()
DELETE FROM mails WHERE user_id = $1 AND purpose IS NOT NULL AND failed_at IS NULL;
-- (uuid) -> ()
DELETE FROM passkeys WHERE id = $1;
-- (uuid) -> ()
DELETE FROM passkeys WHERE user_id = $1;
-- (_uuid) -> ()
DELETE FROM pending_totp WHERE user_id = ANY($1);
-- (uuid) -> ()
DELETE FROM recovery_code_lists WHERE user_id = $1;
-- (bytea) -> ()
DELETE FROM recovery_codes WHERE hash = $1;
-- (uuid) -> ()
DELETE FROM recovery_codes WHERE user_id = $1;
-- (uuid) -> ()
DELETE FROM servers WHERE id = $1;
-- () -> ()
DELETE FROM servers WHERE last_seen_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 3600000;
-- (_uuid) -> ()
DELETE FROM sessions WHERE id = ANY($1);
-- (uuid) -> ()
DELETE FROM sessions WHERE user_id = $1;
-- (uuid, uuid) -> ()
DELETE FROM sessions WHERE user_id = $1 AND id <> $2;
-- (bytea) -> ()
DELETE FROM signing_keys WHERE seed = $1;
-- (uuid) -> ()
DELETE FROM totp WHERE user_id = $1;
-- (_bytea) -> ()
DELETE FROM used_ids WHERE id = ANY($1);
-- (uuid) -> ()
DELETE FROM user_metadata WHERE user_id = $1;
-- (uuid) -> ()
DELETE FROM users WHERE id = $1;
-- (uuid, text, text) -> ()
INSERT INTO code_failures (user_id, app_codes, recovery_codes) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET app_codes = excluded.app_codes, recovery_codes = excluded.recovery_codes;
-- (text, bytea, bytea, uuid, bytea, bool, text, text, int8, int8) -> ()
INSERT INTO codes ( purpose, hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (purpose, email_hash) DO UPDATE SET hash = excluded.hash, user_id = excluded.user_id, browser = excluded.browser, remember = excluded.remember, new_email = excluded.new_email, new_email_key = excluded.new_email_key, tries = excluded.tries, expires_at = excluded.expires_at;
-- (_bytea, text) -> ()
INSERT INTO counters (key, state, ends_at) SELECT key, $2, 0 FROM unnest($1::bytea[]) AS missing (key) ORDER BY key ON CONFLICT (key) DO UPDATE SET state = counters.state WHERE false;
-- (_text, _int8, _int8) -> ()
INSERT INTO decoy_classes (template, accounts, max_accounts) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[]);
-- (_int4, _text) -> ()
INSERT INTO decoys (position, template) SELECT * FROM unnest($1::integer[], $2::text[]);
-- (text, bool, int8) -> ()
INSERT INTO event_followers (name, last_xid, last_event, handled_until) SELECT $1, CASE WHEN $2 THEN 0 ELSE latchkey_event_position( pg_snapshot_xmin(pg_current_snapshot())) END, 0, $3 ON CONFLICT DO NOTHING;
-- (_int8, _text, _bool, _uuid, _uuid, _text, _text, _text, _text, _text) -> ()
INSERT INTO events ( at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail ) SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail FROM unnest($1::bigint[], $2::text[], $3::boolean[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[]) WITH ORDINALITY AS e (at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, n) ORDER BY n;
-- (int8, text, bool, uuid, uuid, text, text, text, text, text) -> ()
INSERT INTO events ( at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
-- (uuid, text, text, bytea, uuid, text, text, bytea, int8, int8) -> ()
INSERT INTO mails ( id, kind, purpose, email_hash, user_id, recipient, message, network, created_at, expires_at, next_attempt_at ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9);
-- (uuid, uuid, bytea, bytea, text, int8, bool, bool, int8, int8) -> ()
INSERT INTO passkeys ( id, user_id, credential_id, public_key, name, sign_count, backup_eligible, backed_up, created_at, last_used_at ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10);
-- (uuid, bytea, int8) -> ()
INSERT INTO pending_totp (user_id, secret, expires_at) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, expires_at = excluded.expires_at;
-- (uuid, int8) -> ()
INSERT INTO recovery_code_lists (user_id, created_at) VALUES ($1, $2) ON CONFLICT (user_id) DO UPDATE SET created_at = excluded.created_at;
-- (_bytea, uuid) -> ()
INSERT INTO recovery_codes (hash, user_id) SELECT hash, $2 FROM unnest($1::bytea[]) AS c (hash);
-- (uuid, text) -> (uuid)
INSERT INTO servers (id, version, last_seen_at) VALUES (coalesce($1, gen_random_uuid()), $2, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) ON CONFLICT (id) DO UPDATE SET version = excluded.version, last_seen_at = excluded.last_seen_at RETURNING id;
-- (uuid, uuid, int8, int8, int8, int8, bool, text, text, text, bytea, bytea) -> ()
INSERT INTO sessions ( id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr, ip, user_agent, refresh_family, refresh_token ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12);
-- (bytea, int8, int8) -> ()
INSERT INTO signing_keys (seed, created_at, signs_from) VALUES ($1, $2, $3);
-- (uuid, bytea, int8, int8) -> ()
INSERT INTO totp (user_id, secret, created_at, last_step) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, last_used_at = NULL, last_step = excluded.last_step;
-- (bytea, int8) -> ()
INSERT INTO used_ids (id, expires_at) VALUES ($1, $2);
-- (_uuid, _text, _text) -> ()
INSERT INTO user_metadata (user_id, public, private) SELECT user_id, public, private FROM unnest($1::uuid[], $2::text[], $3::text[]) AS m (user_id, public, private);
-- (uuid, text, text) -> ()
INSERT INTO user_metadata (user_id, public, private) VALUES ($1, $2, $3) ON CONFLICT (user_id) DO UPDATE SET public = excluded.public, private = excluded.private;
-- (_uuid, _text, _text, _text, _int8, _int8, _int8, _text) -> ()
INSERT INTO users ( id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles ) SELECT id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[]) WITH ORDINALITY AS u ( id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles, n ) ORDER BY n;
-- (uuid, text, text, text, int8, int8, int8, text) -> (uuid)
INSERT INTO users ( id, email, email_key, password_hash, created_at, disabled_at, email_verified_at, roles ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (email_key) DO NOTHING RETURNING id;
-- (bytea, int8, int8) -> (int8, int8)
SELECT (SELECT count(*) FROM ( SELECT FROM mails WHERE network = $1 AND failed_at IS NULL LIMIT $2) m), (SELECT count(*) FROM ( SELECT FROM mails WHERE network IS NOT NULL AND failed_at IS NULL LIMIT $3) m);
-- (int8) -> (int4)
SELECT 1 FROM mails WHERE next_attempt_at <= $1 AND failed_at IS NULL LIMIT 1;
-- (uuid) -> (text, text)
SELECT app_codes, recovery_codes FROM code_failures WHERE user_id = $1;
-- () -> (int8)
SELECT at FROM events ORDER BY at DESC LIMIT 1;
-- (bytea) -> (int8, text, bool, uuid, uuid, text, text, text, text, text)
SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail FROM events WHERE kind = 'refresh_token_repeated' AND session_id = (SELECT id FROM sessions WHERE refresh_family = $1);
-- (uuid, int8) -> (int8, text, bool, uuid, uuid, text, text, text, text, text)
SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail FROM events WHERE user_id = $1 ORDER BY id DESC LIMIT $2;
-- (int8, int8, int8, uuid) -> (int8, text, bool, uuid, uuid, text, text, text, text, text, int8, int8)
SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, xid, id FROM events WHERE (xid, id) > ($1, $2) AND xid < (SELECT latchkey_event_position( pg_snapshot_xmin(pg_current_snapshot()))) AND user_id = $4 ORDER BY xid, id LIMIT $3;
-- (int8, int8, int8) -> (int8, text, bool, uuid, uuid, text, text, text, text, text, int8, int8)
SELECT at, kind, operator, user_id, session_id, kid, ip, user_agent, amr, detail, xid, id FROM events WHERE (xid, id) > ($1, $2) AND xid < (SELECT latchkey_event_position( pg_snapshot_xmin(pg_current_snapshot()))) ORDER BY xid, id LIMIT $3;
-- (bytea) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8, uuid, text, text, int8, int8, int8, int8, text)
SELECT c.hash, c.email_hash, c.user_id, c.browser, c.remember, c.new_email, c.new_email_key, c.tries, c.expires_at, u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles FROM codes c LEFT JOIN users u ON u.id = c.user_id WHERE c.hash = $1 AND c.purpose = 'reset_password';
-- () -> (bool)
SELECT coalesce( (SELECT max(xid) FROM events) >= latchkey_event_position(pg_snapshot_xmax(pg_current_snapshot())), false);
-- () -> (int8, int8)
SELECT count(*) FILTER (WHERE failed_at IS NULL) AS unsent, count(failed_at) AS failed FROM mails WHERE kind <> 'nothing';
-- () -> (int8)
SELECT count(*) FROM users;
-- (uuid) -> (int8, int8)
SELECT created_at, (SELECT count(*) FROM recovery_codes WHERE user_id = $1) FROM recovery_code_lists WHERE user_id = $1;
-- (uuid) -> (int8, int8, bytea, int8)
SELECT created_at, last_used_at, secret, last_step FROM totp WHERE user_id = $1;
-- () -> (text, int4, text, text)
SELECT current_setting('server_version'), current_setting('server_version_num')::integer, current_setting('server_encoding'), (SELECT min(c.relname)::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema() AND c.relname IN ('users', 'sessions', 'counters', 'events', 'codes', 'mails', 'totp', 'pending_totp', 'recovery_codes', 'recovery_code_lists', 'passkeys', 'code_failures', 'used_ids', 'signing_keys', 'signing_key_set', 'decoy_state', 'decoy_classes', 'decoys', 'event_followers', 'servers', 'user_metadata') AND NOT EXISTS (SELECT FROM pg_class m WHERE m.relnamespace = c.relnamespace AND m.relname = 'latchkey_meta'));
-- () -> (bool)
SELECT current_setting('transaction_read_only') = 'on';
-- () -> (text, bool, bool, int8)
SELECT current_user::text AS name, rolsuper AS is_superuser, coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS can_create, rolconnlimit::bigint AS connection_limit FROM pg_roles WHERE rolname = current_user;
-- (uuid) -> (int8)
SELECT device_version FROM users WHERE id = $1;
-- (uuid) -> (text)
SELECT email_key FROM users WHERE id = $1;
-- (uuid) -> (text)
SELECT email_key FROM users WHERE id = $1 FOR NO KEY UPDATE;
-- (uuid) -> (bool)
SELECT failed_at IS NOT NULL FROM mails WHERE id = $1 AND kind <> 'nothing' FOR UPDATE;
-- (bytea) -> (bool, uuid, uuid, int8, int8, int8, int8, bool, text, text, text, bytea, bytea, bytea, int8)
SELECT false, id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr, ip, user_agent, refresh_token, replaced_token, successor_salt, repeats FROM sessions WHERE refresh_family = $1 FOR UPDATE;
-- () -> (int8)
SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;
-- (int8, int8) -> (bytea)
SELECT hash FROM codes WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- (bytea, uuid) -> (bytea)
SELECT hash FROM recovery_codes WHERE hash = $1 AND user_id = $2;
-- (bytea) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8)
SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at FROM codes WHERE browser = $1;
-- (bytea) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8)
SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at FROM codes WHERE browser = $1 FOR UPDATE;
-- (bytea) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8)
SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at FROM codes WHERE hash = $1 AND purpose = 'reset_password' FOR UPDATE;
-- (text, bytea) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8)
SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at FROM codes WHERE purpose = $1 AND email_hash = $2 FOR UPDATE;
-- (uuid, text) -> (bytea, bytea, uuid, bytea, bool, text, text, int8, int8)
SELECT hash, email_hash, user_id, browser, remember, new_email, new_email_key, tries, expires_at FROM codes WHERE user_id = $1 AND purpose = $2 ORDER BY hash FOR UPDATE;
-- (int8, int8, int8) -> (uuid)
SELECT id FROM mails WHERE expires_at <= $1 AND (failed_at IS NULL OR failed_at <= $2) ORDER BY expires_at LIMIT $3 FOR UPDATE SKIP LOCKED;
-- () -> (uuid)
SELECT id FROM mails WHERE failed_at IS NULL AND kind <> 'nothing' FOR UPDATE SKIP LOCKED;
-- (int8, int8) -> (uuid)
SELECT id FROM mails WHERE next_attempt_at <= $1 AND failed_at IS NULL AND (kind = 'nothing' OR expires_at <= $1) ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- (uuid) -> (uuid)
SELECT id FROM passkeys WHERE user_id = $1;
-- (int8, int8) -> (uuid)
SELECT id FROM sessions WHERE idle_expires_at <= $1 ORDER BY idle_expires_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- (int8, int8) -> (bytea)
SELECT id FROM used_ids WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- (_bytea) -> (bytea)
SELECT id FROM used_ids WHERE id = ANY($1);
-- (uuid) -> (uuid)
SELECT id FROM users WHERE id = $1 FOR KEY SHARE;
-- (int8) -> (uuid, text)
SELECT id, CASE WHEN password_hash NOT LIKE '$pbkdf2-sha256$i=%' THEN password_hash END FROM users ORDER BY id LIMIT $1;
-- (uuid, int8) -> (uuid, text)
SELECT id, CASE WHEN password_hash NOT LIKE '$pbkdf2-sha256$i=%' THEN password_hash END FROM users WHERE id > $1 ORDER BY id LIMIT $2;
-- (int8) -> (uuid, text, text, int8, int8, int8, int8, text)
SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at, roles FROM users ORDER BY id LIMIT $1;
-- (text) -> (uuid, text, text, int8, int8, int8, int8, text)
SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at, roles FROM users WHERE email_key = $1;
-- (uuid) -> (uuid, text, text, int8, int8, int8, int8, text)
SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at, roles FROM users WHERE id = $1;
-- (uuid, int8) -> (uuid, text, text, int8, int8, int8, int8, text)
SELECT id, email, email_key, created_at, disabled_at, email_verified_at, second_factor_at, roles FROM users WHERE id > $1 ORDER BY id LIMIT $2;
-- (int8, int8, _text) -> (uuid, text, text, text, int8, int8, int8)
SELECT id, kind, recipient, message, created_at, expires_at, attempts FROM mails WHERE next_attempt_at <= $1 AND failed_at IS NULL AND expires_at > $1 AND kind = ANY($3) ORDER BY next_attempt_at, id LIMIT $2 FOR UPDATE SKIP LOCKED;
-- (uuid, int8) -> (uuid, text, text, uuid, int8, int8, int8, int8, int8, text)
SELECT id, kind, recipient, user_id, created_at, expires_at, attempts, next_attempt_at, failed_at, reason FROM mails WHERE id > $1 AND kind <> 'nothing' ORDER BY id LIMIT $2;
-- (int8) -> (uuid, text, text, uuid, int8, int8, int8, int8, int8, text)
SELECT id, kind, recipient, user_id, created_at, expires_at, attempts, next_attempt_at, failed_at, reason FROM mails WHERE kind <> 'nothing' ORDER BY id LIMIT $1;
-- (text) -> (uuid, int8, int8, int8, int8)
SELECT id, password_version, disabled_at, device_version, second_factor_at FROM users WHERE email_key = $1 FOR NO KEY UPDATE;
-- (uuid) -> (uuid, int8, int8, int8, int8)
SELECT id, password_version, disabled_at, device_version, second_factor_at FROM users WHERE id = $1;
-- (uuid) -> (uuid, int8, int8, int8, int8)
SELECT id, password_version, disabled_at, device_version, second_factor_at FROM users WHERE id = $1 FOR NO KEY UPDATE;
-- (uuid) -> (uuid, int8, int8, int8, int8)
SELECT id, password_version, disabled_at, device_version, second_factor_at FROM users WHERE id = $1 FOR UPDATE;
-- (uuid, uuid) -> (uuid, uuid, int8, int8, int8, int8, bool, text)
SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr FROM sessions WHERE id = $1 OR id = $2;
-- (uuid, uuid) -> (uuid, uuid, int8, int8, int8, int8, bool, text)
SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr FROM sessions WHERE id = $1 OR id = $2 ORDER BY id FOR UPDATE;
-- (uuid) -> (uuid, uuid, int8, int8, int8, int8, bool, text)
SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr FROM sessions WHERE user_id = $1;
-- (uuid) -> (uuid, uuid, int8, int8, int8, int8, bool, text)
SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr FROM sessions WHERE user_id = $1 ORDER BY id FOR UPDATE;
-- (uuid) -> (uuid, uuid, int8, int8, int8, int8, bool, text, text, text)
SELECT id, user_id, created_at, last_used_at, idle_expires_at, expires_at, remember, amr, ip, user_agent FROM sessions WHERE user_id = $1 ORDER BY last_used_at DESC, id DESC;
-- (bytea) -> (uuid, uuid, bytea, bytea, text, int8, bool, bool, int8, int8)
SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible, backed_up, created_at, last_used_at FROM passkeys WHERE credential_id = $1;
-- (uuid) -> (uuid, uuid, bytea, bytea, text, int8, bool, bool, int8, int8)
SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible, backed_up, created_at, last_used_at FROM passkeys WHERE id = $1;
-- (uuid) -> (uuid, uuid, bytea, bytea, text, int8, bool, bool, int8, int8)
SELECT id, user_id, credential_id, public_key, name, sign_count, backup_eligible, backed_up, created_at, last_used_at FROM passkeys WHERE user_id = $1 ORDER BY id;
-- (int8, int8) -> (bytea)
SELECT key FROM counters WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- () -> (bytea)
SELECT key FROM decoy_state;
-- () -> (bytea)
SELECT key FROM decoy_state FOR UPDATE;
-- (_bytea) -> (bytea, text)
SELECT key, state FROM counters WHERE key = ANY($1);
-- (_bytea) -> (bytea, text)
SELECT key, state FROM counters WHERE key = ANY($1) ORDER BY key FOR UPDATE;
-- (bytea, bytea) -> (bytea, text)
SELECT key, state FROM counters WHERE key BETWEEN $1 AND $2;
-- (bytea, bytea) -> (bytea, text)
SELECT key, state FROM counters WHERE key BETWEEN $1 AND $2 ORDER BY key FOR UPDATE;
-- (text) -> (int8, int8, int8, bytea, int8, bool)
SELECT last_xid, last_event, handled_until, holder, held_until, (SELECT id FROM events WHERE (xid, id) > (last_xid, last_event) AND xid < (SELECT latchkey_event_position( pg_snapshot_xmin(pg_current_snapshot()))) ORDER BY xid, id LIMIT 1) IS NOT NULL FROM event_followers WHERE name = $1;
-- (text) -> (int8, int8, int8, bytea, int8, bool)
SELECT last_xid, last_event, handled_until, holder, held_until, false FROM event_followers WHERE name = $1 FOR UPDATE;
-- (uuid) -> (int8)
SELECT latchkey_delete_events_of($1);
-- () -> (int8, int8)
SELECT latchkey_event_position(pg_snapshot_xmin(pg_current_snapshot())), (SELECT max(xid) FROM events);
-- (int8, int4) -> (int8)
SELECT latchkey_purge_events($1, $2)::bigint;
-- () -> (void)
SELECT latchkey_renew_event_epoch();
-- (uuid) -> (text, text)
SELECT m.public, m.private FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id WHERE u.id = $1;
-- () -> (int8)
SELECT max(at) FROM ( SELECT max(created_at) AS at FROM users UNION ALL SELECT max(last_used_at) FROM sessions UNION ALL SELECT max(created_at) FROM signing_keys UNION ALL SELECT max(at) FROM events) AS times;
-- () -> (int8)
SELECT min_reader FROM latchkey_meta;
-- (_uuid, _text) -> (int8)
SELECT n FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS entry (id, email_key, n) WHERE EXISTS (SELECT FROM users u WHERE u.id = entry.id OFFSET 0) OR EXISTS (SELECT FROM users u WHERE u.email_key = entry.email_key OFFSET 0);
-- () -> (text)
SELECT password_hash FROM users WHERE NOT starts_with(password_hash, '$pbkdf2-sha256$i=');
-- (uuid) -> (bool, int8, uuid, uuid, int8, int8, int8, int8, bool, text, uuid, text, text, int8, int8, int8, int8, text)
SELECT pg_is_in_recovery(), k.version, s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at, s.remember, s.amr, u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles FROM signing_key_set k LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id) ON s.id = $1;
-- (text, int4, text) -> (bool, int8, uuid, int8, int8, int8, text)
SELECT pg_is_in_recovery(), k.version, u.id, u.password_version, u.device_version, u.second_factor_at, coalesce(u.password_hash, d.template, $3) FROM signing_key_set k LEFT JOIN users u ON u.email_key = $1 AND u.disabled_at IS NULL LEFT JOIN decoys d ON d.position = $2;
-- (bytea) -> (bool, uuid, uuid, int8, int8, int8, int8, bool, text, text, text, bytea, bytea, bytea, int8)
SELECT pg_is_in_recovery(), s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at, s.remember, s.amr, s.ip, s.user_agent, s.refresh_token, s.replaced_token, s.successor_salt, s.repeats FROM signing_key_set k LEFT JOIN sessions s ON s.refresh_family = $1;
-- (bytea) -> (bool, uuid, uuid, int8, int8, int8, int8, bool, text, text, text, bytea, bytea, bytea, int8, uuid, text, text, int8, int8, int8, int8, text, int8)
SELECT pg_is_in_recovery(), s.id, s.user_id, s.created_at, s.last_used_at, s.idle_expires_at, s.expires_at, s.remember, s.amr, s.ip, s.user_agent, s.refresh_token, s.replaced_token, s.successor_salt, s.repeats, u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles, k.version FROM signing_key_set k LEFT JOIN (sessions s JOIN users u ON u.id = s.user_id) ON s.refresh_family = $1;
-- () -> (int4, text)
SELECT position, template FROM decoys;
-- () -> (text)
SELECT privilege || ' on ' || name FROM (VALUES ('users', 'SELECT,INSERT,UPDATE,DELETE'), ('sessions', 'SELECT,INSERT,UPDATE,DELETE'), ('counters', 'SELECT,INSERT,UPDATE,DELETE'), ('events', 'SELECT'), ('codes', 'SELECT,INSERT,UPDATE,DELETE'), ('mails', 'SELECT,INSERT,UPDATE,DELETE'), ('totp', 'SELECT,INSERT,UPDATE,DELETE'), ('pending_totp', 'SELECT,INSERT,UPDATE,DELETE'), ('recovery_codes', 'SELECT,INSERT,UPDATE,DELETE'), ('recovery_code_lists', 'SELECT,INSERT,UPDATE,DELETE'), ('passkeys', 'SELECT,INSERT,UPDATE,DELETE'), ('code_failures', 'SELECT,INSERT,UPDATE,DELETE'), ('used_ids', 'SELECT,INSERT,UPDATE,DELETE'), ('user_metadata', 'SELECT,INSERT,UPDATE,DELETE'), ('signing_keys', 'SELECT,INSERT,UPDATE,DELETE'), ('signing_key_set', 'SELECT,UPDATE'), ('decoy_state', 'SELECT,UPDATE'), ('decoy_classes', 'SELECT,INSERT,UPDATE,DELETE'), ('decoys', 'SELECT,INSERT,UPDATE,DELETE'), ('event_followers', 'SELECT,INSERT,UPDATE,DELETE'), ('latchkey_meta', 'SELECT'), ('servers', 'SELECT,INSERT,UPDATE,DELETE')) AS tables (name, privileges), unnest(string_to_array(privileges, ',')) AS privilege WHERE has_table_privilege(to_regclass(name), privilege) = false UNION ALL SELECT 'INSERT on events' WHERE EXISTS ( SELECT FROM pg_attribute WHERE attrelid = to_regclass('events') AND attname IN ('at', 'kind', 'operator', 'user_id', 'session_id', 'ip', 'user_agent', 'kid', 'amr', 'detail') AND NOT has_column_privilege(attrelid, attnum, 'INSERT') ) UNION ALL SELECT 'EXECUTE on ' || proname FROM pg_proc WHERE proname IN ( 'latchkey_purge_events', 'latchkey_delete_events_of', 'latchkey_renew_event_epoch' ) AND pg_function_is_visible(oid) AND NOT has_function_privilege(oid, 'EXECUTE');
-- () -> (int8, bytea, int8, int8)
SELECT s.version, k.seed, k.created_at, k.signs_from FROM signing_key_set s LEFT JOIN signing_keys k ON true ORDER BY k.id DESC;
-- (uuid) -> (bytea, int8)
SELECT secret, expires_at FROM pending_totp WHERE user_id = $1;
-- () -> (text, text, text, bool, bool, bool, text, int8, int8, int8, int8, int8)
SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_setting('server_encoding') AS encoding, (SELECT s.version FROM pg_stat_ssl s WHERE s.pid = pg_backend_pid() AND s.ssl) AS tls, pg_is_in_recovery() AS is_in_recovery, current_setting('transaction_read_only') = 'on' AS is_read_only, current_setting('fsync', true) = 'on' AS fsync, current_setting('synchronous_commit', true) AS synchronous_commit, current_setting('max_connections')::bigint - coalesce(current_setting('superuser_reserved_connections', true)::bigint, 0) - coalesce(current_setting('reserved_connections', true)::bigint, 0) AS max_connections, (SELECT coalesce(sum(numbackends), 0)::bigint FROM pg_stat_database WHERE datid <> 0) AS connections, coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'statement_timeout'), 0) AS statement_timeout, coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'lock_timeout'), 0) AS lock_timeout, coalesce((SELECT setting::bigint FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'), 0) AS idle_in_transaction_timeout;
-- () -> (text, int8, int8)
SELECT template, accounts, max_accounts FROM decoy_classes;
-- (uuid) -> (uuid, text, text, int8, int8, int8, int8, text)
SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles FROM codes c JOIN users u ON u.email_key = c.new_email_key WHERE c.user_id = $1 AND c.purpose = 'change_email';
-- (int8) -> (uuid, text, text, int8, int8, int8, int8, text, text, text, text)
SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles, u.password_hash, m.public, m.private FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id ORDER BY u.id LIMIT $1;
-- (uuid) -> (uuid, text, text, int8, int8, int8, int8, text, text, text, text)
SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles, u.password_hash, m.public, m.private FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id WHERE u.id = $1;
-- (uuid, int8) -> (uuid, text, text, int8, int8, int8, int8, text, text, text, text)
SELECT u.id, u.email, u.email_key, u.created_at, u.disabled_at, u.email_verified_at, u.second_factor_at, u.roles, u.password_hash, m.public, m.private FROM users u LEFT JOIN user_metadata m ON m.user_id = u.id WHERE u.id > $1 ORDER BY u.id LIMIT $2;
-- (bytea) -> (text)
SELECT u.roles FROM users u JOIN sessions s ON s.user_id = u.id WHERE s.refresh_family = $1;
-- (uuid) -> (uuid)
SELECT user_id FROM mails WHERE id = $1;
-- (int8, int8) -> (uuid)
SELECT user_id FROM pending_totp WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED;
-- () -> (int8)
SELECT version FROM latchkey_meta FOR UPDATE;
-- () -> (text)
SELECT version FROM servers WHERE last_seen_at > floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint - 60000 ORDER BY version;
-- () -> (int8)
SELECT version FROM signing_key_set FOR UPDATE;
-- () -> (int8, int8)
SELECT version, counted_at FROM decoy_state;
-- () -> (int8, int8)
SELECT version, counted_at FROM decoy_state FOR UPDATE;
-- () -> (int8, int8, bool)
SELECT version, min_reader, copy_of IS NOT NULL FROM latchkey_meta;
-- (bytea) -> ()
UPDATE codes SET tries = tries + 1 WHERE hash = $1;
-- (_bytea, _text, _int8) -> ()
UPDATE counters c SET state = new.state, ends_at = new.ends_at FROM unnest($1::bytea[], $2::text[], $3::bigint[]) AS new (key, state, ends_at) WHERE c.key = new.key;
-- (int8) -> ()
UPDATE decoy_state SET counted_at = $1;
-- (bytea) -> ()
UPDATE decoy_state SET key = $1;
-- () -> ()
UPDATE decoy_state SET version = version + 1;
-- (text, bytea, int8) -> ()
UPDATE event_followers SET holder = $2, held_until = $3 WHERE name = $1;
-- (text, int8, int8, int8, bytea, int8) -> ()
UPDATE event_followers SET last_xid = $2, last_event = $3, handled_until = $4, holder = $5, held_until = $6 WHERE name = $1;
-- (int8, int8) -> ()
UPDATE latchkey_meta SET version = $1, min_reader = $2;
-- (uuid, int8, text) -> ()
UPDATE mails SET failed_at = $2, reason = $3, message = NULL WHERE id = $1;
-- (_uuid, int8) -> ()
UPDATE mails SET next_attempt_at = greatest($2, claimed_until) WHERE id = ANY($1);
-- (uuid, text) -> ()
UPDATE mails SET reason = $2, claimed_until = NULL WHERE id = $1 AND failed_at IS NULL;
-- (uuid) -> ()
UPDATE mails SET user_id = NULL WHERE user_id = $1;
-- (_uuid, _int8, int8) -> ()
UPDATE mails m SET attempts = attempts + 1, next_attempt_at = new.next_attempt_at, claimed_until = $3 FROM unnest($1::uuid[], $2::bigint[]) AS new (id, next_attempt_at) WHERE m.id = new.id;
-- (uuid, text) -> ()
UPDATE passkeys SET name = $2 WHERE id = $1;
-- (uuid, int8, bool, bool, int8) -> ()
UPDATE passkeys SET sign_count = $2, backup_eligible = $3, backed_up = $4, last_used_at = $5 WHERE id = $1;
-- (uuid, int8, int8, text, text, bytea, bytea) -> ()
UPDATE sessions SET last_used_at = $2, idle_expires_at = $3, ip = $4, user_agent = $5, refresh_token = $6, replaced_token = refresh_token, successor_salt = $7, repeats = 0 WHERE id = $1;
-- (uuid) -> ()
UPDATE sessions SET repeats = repeats + 1 WHERE id = $1;
-- () -> ()
UPDATE signing_key_set SET version = version + 1;
-- (bytea, int8) -> ()
UPDATE signing_keys SET signs_from = $2 WHERE seed = $1;
-- (uuid, int8, int8) -> ()
UPDATE totp SET last_step = $2, last_used_at = $3 WHERE user_id = $1 AND last_step < $2;
-- (uuid, int8) -> ()
UPDATE users SET disabled_at = $2, device_version = device_version + CASE WHEN $2::bigint IS NULL THEN 0 ELSE 1 END WHERE id = $1;
-- (uuid, text, text, int8) -> ()
UPDATE users SET email = $2, email_key = $3, email_verified_at = $4, device_version = device_version + 1 WHERE id = $1;
-- (uuid, int8) -> ()
UPDATE users SET email_verified_at = $2 WHERE id = $1;
-- (uuid, text) -> ()
UPDATE users SET password_hash = $2 WHERE id = $1;
-- (uuid, text, int8) -> ()
UPDATE users SET password_hash = $2, password_version = password_version + 1, device_version = device_version + $3 WHERE id = $1;
-- (uuid, text) -> ()
UPDATE users SET roles = $2 WHERE id = $1;
-- (uuid, int8) -> ()
UPDATE users SET second_factor_at = $2 WHERE id = $1;
-- (uuid, int8, bytea, int8) -> (uuid)
WITH active AS ( SELECT id, last_used_at, refresh_family IS NOT DISTINCT FROM $3 AS is_replaced FROM sessions WHERE user_id = $1 AND idle_expires_at > $2 ) SELECT id FROM active WHERE is_replaced UNION ALL (SELECT id FROM active WHERE NOT is_replaced ORDER BY last_used_at DESC, id DESC OFFSET $4);
