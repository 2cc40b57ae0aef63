-- The latest time at which the current attempt can end. NULL if no attempt has begun, or if the last
-- one was deferred. Servers that use only the earlier schema do not set it.
ALTER TABLE mails ADD COLUMN claimed_until bigint;

-- Has all mails, so that requests with and without an account change the same indexes, and take the
-- same time.
DROP INDEX mails_by_user;
CREATE INDEX mails_by_user ON mails (user_id);
