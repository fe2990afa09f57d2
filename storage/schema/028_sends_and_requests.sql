-- What is being sent to a group: after a crash it may have arrived, although its ID isn't known. One of the last two
-- columns is NULL.
CREATE TABLE group_sends (
    telegram_id INTEGER NOT NULL,
    newest      INTEGER NOT NULL,              -- a message that is certainly older
    turn_id     INTEGER,                       -- the answer that it belongs to,
    notice_id   INTEGER                        -- or the notice
);
CREATE INDEX group_sends_by_group ON group_sends (telegram_id);
CREATE INDEX group_sends_by_turn ON group_sends (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX group_sends_by_notice ON group_sends (notice_id) WHERE notice_id IS NOT NULL;

-- The newest notice in each group: its ID is kept nowhere else.
CREATE TABLE newest_notices (
    telegram_id INTEGER PRIMARY KEY,
    message_id  INTEGER NOT NULL
);

-- Requests that the model is answering: after a crash, what they cost is estimated.
CREATE TABLE running_requests (
    id         INTEGER PRIMARY KEY,
    chat_id    INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    reply_id   INTEGER NOT NULL,
    model      TEXT NOT NULL,
    counted    INTEGER NOT NULL,               -- tokens of the prompt, as the bot counts them
    user_id    INTEGER
);
CREATE INDEX running_requests_by_reply ON running_requests (reply_id);
CREATE INDEX running_requests_by_chat ON running_requests (chat_id);
