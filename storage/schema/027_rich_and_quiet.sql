-- A broadcast may be a rich message, or a file whose caption is the owner's words without the command.
ALTER TABLE broadcasts ADD COLUMN rich TEXT;                            -- JSON, as Telegram takes it: what is sent
ALTER TABLE broadcasts ADD COLUMN captioned INTEGER NOT NULL DEFAULT 0; -- the text is the caption of what is copied
ALTER TABLE broadcasts ADD COLUMN above INTEGER NOT NULL DEFAULT 0;     -- and stands above it

-- The message that an answer grew in, in a group, has rung when it was begun: the rest of the answer is quiet.
ALTER TABLE turn_messages ADD COLUMN rang INTEGER NOT NULL DEFAULT 0;
