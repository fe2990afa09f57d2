-- What a user's message said, in short: Telegram calls a message edited that has a reaction or a preview now, and what
-- it holds need not be fetched, or listened to, again.
ALTER TABLE turn_messages ADD COLUMN digest TEXT;
