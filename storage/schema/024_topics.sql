-- Topics of private chats whose names Telegram's apps made up: they get a title from what is said first, and are no
-- longer here when they have one, a person has named them, or Telegram refused it.
CREATE TABLE untitled_topics (
    telegram_id INTEGER NOT NULL,
    thread_id   INTEGER NOT NULL,
    title       TEXT,                         -- made, and not set yet
    PRIMARY KEY (telegram_id, thread_id)
) WITHOUT ROWID;

-- What an owner sends to everybody is formatted as they wrote it, or is a copy of a message of theirs.
ALTER TABLE broadcasts ADD COLUMN entities TEXT NOT NULL DEFAULT '[]'; -- JSON, as Telegram has them
ALTER TABLE broadcasts ADD COLUMN preview TEXT;                        -- JSON: how links are shown; NULL: as usual
ALTER TABLE broadcasts ADD COLUMN copied INTEGER;                      -- the message in the owner's chat
