-- Each topic of a channel's direct messages is a conversation with one person: thread_id is the topic's number there.
ALTER TABLE chats ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN direct INTEGER NOT NULL DEFAULT 0;

-- Who had this answered, or this answer given, anew: they pay for it. NULL: whoever wrote the question.
ALTER TABLE turns ADD COLUMN asked_by INTEGER;
