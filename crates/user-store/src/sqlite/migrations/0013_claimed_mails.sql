-- Until when a server is sending the mail, at the latest. NULL if no attempt has begun, or if the
-- last one was deferred.
ALTER TABLE mails ADD COLUMN claimed_until INTEGER;
