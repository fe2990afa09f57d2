-- What somebody was asked after a button of ours: their answer is no turn of the conversation.
CREATE TABLE questions (
    id          INTEGER PRIMARY KEY,
    telegram_id INTEGER NOT NULL,
    thread_id   INTEGER NOT NULL,
    person      INTEGER,                         -- who was asked; NULL: in an earlier version, which did not know
    kind        TEXT NOT NULL CHECK (kind IN ('correct', 'forget', 'persona')),
    asked_at    REAL NOT NULL,
    notice_id   INTEGER,                         -- while it is on its way
    message_id  INTEGER,                         -- NULL: on its way, or its group has moved since
    panel       INTEGER,                         -- the message with the button; it has another one now, to cancel
    buttons     TEXT NOT NULL DEFAULT '[]',      -- JSON: the buttons that it had before
    awaits      INTEGER NOT NULL DEFAULT 1,      -- 1 while the person's next message answers it without replying to it
    open        INTEGER NOT NULL DEFAULT 1,
    answers     TEXT NOT NULL DEFAULT '[]'       -- JSON: the messages that were said in answer
);
CREATE INDEX questions_by_chat ON questions (telegram_id);
CREATE INDEX questions_by_time ON questions (asked_at);
CREATE INDEX questions_by_notice ON questions (notice_id) WHERE notice_id IS NOT NULL;

ALTER TABLE notices ADD COLUMN placeholder TEXT; -- of a question: what stands where its answer is typed
ALTER TABLE notices ADD COLUMN calls TEXT;       -- JSON: id and name of somebody whose name the text begins with

CREATE TRIGGER questions_arrive AFTER UPDATE OF message_id ON notices WHEN new.asks AND new.message_id > 0 BEGIN
    UPDATE questions SET message_id = new.message_id, notice_id = NULL WHERE notice_id = new.id;
END;
CREATE TRIGGER questions_never_arrive AFTER DELETE ON notices WHEN old.asks AND ifnull(old.message_id, 0) <= 0 BEGIN
    DELETE FROM questions WHERE notice_id = old.id;
END;
CREATE TRIGGER questions_lose_their_panel AFTER INSERT ON notices WHEN new.edits IS NOT NULL AND new.text != '' BEGIN
    UPDATE questions SET panel = NULL WHERE telegram_id = new.telegram_id AND panel = new.edits;
END;
