-- What stands in a chat's prompt in place of the turns that have left its window. A row counts while the chat's reset
-- boundary is the one that it was made under, so that a reset takes it away and an undone reset brings it back.
CREATE TABLE memories (
    chat_id      INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    reset_turn   INTEGER NOT NULL,            -- chats.reset_turn when it was made
    through_turn INTEGER NOT NULL,            -- turns up to this id are out of the window
    text         TEXT NOT NULL,               -- as it stands in the prompt, word for word; empty: nothing does
    tokens       INTEGER NOT NULL,
    made_at      REAL NOT NULL,
    PRIMARY KEY (chat_id, reset_turn)
) WITHOUT ROWID;

-- What a person was shown and asked whether to forget it.
CREATE TABLE forgettings (
    id      INTEGER PRIMARY KEY,
    chat_id INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    turns   TEXT NOT NULL,                    -- JSON: ids
    lines   TEXT NOT NULL,                    -- JSON: lines of the memory, as they were
    words   TEXT NOT NULL,                    -- what was asked for: the memory may be another one when it is confirmed
    message INTEGER NOT NULL,                 -- 1: the words are those of a message that was replied to
    made_at REAL NOT NULL
);

ALTER TABLE chats ADD COLUMN memory_way TEXT; -- summary, truncate or full; NULL: as the bot is set
-- Raised by whatever takes something back (a reset, a forgetting, a correction): a compaction that began before is void.
ALTER TABLE chats ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE chats ADD COLUMN due_at REAL;     -- when to look whether the window should be compacted; NULL: not before the next turn
ALTER TABLE chats ADD COLUMN compact_failures INTEGER NOT NULL DEFAULT 0; -- in a row
CREATE INDEX chats_due ON chats (due_at) WHERE due_at IS NOT NULL;

ALTER TABLE turns ADD COLUMN said_at REAL;    -- user: when the message was sent
ALTER TABLE turns ADD COLUMN speaker TEXT;    -- user: who sent it, also where the content does not say so
ALTER TABLE turns ADD COLUMN marked INTEGER NOT NULL DEFAULT 0; -- assistant: the request had cache markers

ALTER TABLE usage ADD COLUMN turns INTEGER NOT NULL DEFAULT 0; -- requests that answered a user
UPDATE usage SET turns = requests;

-- A notice may have several buttons, be formatted, come with a picture, or ask for a reply.
ALTER TABLE notices ADD COLUMN buttons TEXT NOT NULL DEFAULT '[]';   -- JSON: [[label, data], ...]
UPDATE notices SET buttons = json_array(json_array(button, button_data)) WHERE button IS NOT NULL;
ALTER TABLE notices DROP COLUMN button;
ALTER TABLE notices DROP COLUMN button_data;
ALTER TABLE notices ADD COLUMN markdown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE notices ADD COLUMN photo BLOB;                           -- PNG; the text is its caption
ALTER TABLE notices ADD COLUMN asks INTEGER NOT NULL DEFAULT 0;      -- 1: the next message is to be a reply to it

-- How many tokens a server reports for one of ours, by model; chat 0: the model's newest over all chats.
CREATE TABLE token_ratios (
    model   TEXT NOT NULL,
    chat_id INTEGER NOT NULL,
    ratio   REAL NOT NULL,
    PRIMARY KEY (model, chat_id)
) WITHOUT ROWID;
