-- The latest time at which the current attempt can end. NULL if no attempt has begun, or if the last
-- one was deferred.
ALTER TABLE mails ADD COLUMN claimed_until INTEGER;

-- Has all mails, so that requests with and without an account change the same indexes, and take the
-- same time.
DROP INDEX mails_by_user;
CREATE INDEX mails_by_user ON mails (user_id);
