-- Updates as Telegram sent them, kept until they are a few days old: what is committed here is acknowledged.
CREATE TABLE inbox (
    update_id   INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,                -- seconds since 1970, UTC; so are all times in this database
    state       TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'unreadable')),
    raw         TEXT NOT NULL                 -- JSON
);
CREATE INDEX inbox_new ON inbox (update_id) WHERE state = 'new';
CREATE INDEX inbox_age ON inbox (received_at);

-- One conversation: a Telegram chat, or one topic of it.
CREATE TABLE chats (
    id          INTEGER PRIMARY KEY,
    telegram_id INTEGER NOT NULL,
    thread_id   INTEGER NOT NULL DEFAULT 0,   -- 0: the chat itself
    private     INTEGER NOT NULL,
    created_at  REAL NOT NULL,
    reset_turn  INTEGER NOT NULL DEFAULT 0,   -- turns up to this id were reset
    stamped_at  REAL,                         -- the last time that was written into a turn
    UNIQUE (telegram_id, thread_id)
);

-- The messages array, row by row. A user's message is a row of its own; rows of one role in a row are sent as one.
CREATE TABLE turns (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id       INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    role          TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
    state         TEXT NOT NULL CHECK (state IN (
                      'waiting',              -- user: an answer is owed
                      'settled',              -- user: answered, or given up with a sentence that said so
                      'streaming',            -- assistant: being written; answered anew after a crash
                      'complete',             -- assistant: finished and paid for, not yet wholly delivered
                      'sent',                 -- assistant: delivered
                      'replaced')),           -- assistant: a retry took its place; its messages are to be deleted
    content       TEXT NOT NULL,              -- in the form in which the model gets it
    glue          TEXT NOT NULL DEFAULT '',   -- what joins it to a row of the same role before it
    sender_id     INTEGER,
    tokens        INTEGER NOT NULL DEFAULT 0,
    reply_to      INTEGER,                    -- assistant: the Telegram message that it answers
    replaces      INTEGER,                    -- assistant: the reply whose place it takes when it is complete
    input_tokens  INTEGER,                    -- as reported by the model server, with the cached ones
    cached_tokens INTEGER,
    output_tokens INTEGER,
    created_at    REAL NOT NULL
);
CREATE INDEX turns_by_chat ON turns (chat_id, id);
CREATE INDEX turns_by_state ON turns (chat_id, state);
CREATE INDEX turns_open ON turns (chat_id) WHERE state IN ('waiting', 'streaming', 'complete', 'replaced');

-- The Telegram messages of a turn, in order.
CREATE TABLE turn_messages (
    turn_id       INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    message_id    INTEGER NOT NULL,
    delivered_end INTEGER NOT NULL DEFAULT 0, -- assistant: characters of the content delivered up to here; 0: a preview
    PRIMARY KEY (turn_id, message_id)
) WITHOUT ROWID;

-- Every /reset, so that it can be undone for a minute and purged after a week.
CREATE TABLE resets (
    id       INTEGER PRIMARY KEY,
    chat_id  INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    from_id  INTEGER NOT NULL,                -- chats.reset_turn before
    to_id    INTEGER NOT NULL,                -- and after
    reset_at REAL NOT NULL,
    undone   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX resets_by_chat ON resets (chat_id, id);

-- Texts of our own on their way out (what a command answers, what went wrong): stored with what they report.
CREATE TABLE notices (
    id           INTEGER PRIMARY KEY,
    telegram_id  INTEGER NOT NULL,
    thread_id    INTEGER NOT NULL DEFAULT 0,
    private      INTEGER NOT NULL,
    text         TEXT NOT NULL,
    reply_to     INTEGER,
    edits        INTEGER,                     -- the message to turn into this text instead of sending a new one
    button       TEXT,
    button_data  TEXT,
    button_until REAL,                        -- when the button is taken away
    message_id   INTEGER                      -- set when sent; the row then lives until its button is gone
);
CREATE INDEX notices_waiting ON notices (telegram_id, thread_id) WHERE message_id IS NULL;
CREATE INDEX notices_buttons ON notices (button_until) WHERE message_id IS NOT NULL;

-- What the model servers reported, by chat and day.
CREATE TABLE usage (
    chat_id       INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    day           TEXT NOT NULL,              -- YYYY-MM-DD in the bot's time zone
    model         TEXT NOT NULL,
    requests      INTEGER NOT NULL,
    input_tokens  INTEGER NOT NULL,           -- with the cached ones
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    PRIMARY KEY (chat_id, day, model)
) WITHOUT ROWID;
