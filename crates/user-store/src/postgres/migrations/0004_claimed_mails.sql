-- Until when a server is sending the mail, at the latest. NULL if no attempt has begun, or if the
-- last one was deferred. Servers that use only the earlier schema do not set it.
ALTER TABLE mails ADD COLUMN claimed_until bigint;
