-- What the notes are made of: JSON, [[turn, since, until], ...]; the last turn of each stretch, and its times.
ALTER TABLE memories ADD COLUMN covers TEXT NOT NULL DEFAULT '[]';

-- All notes that a chat has had since its last reset, the present ones too, so that earlier ones can be brought back.
CREATE TABLE note_versions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    chat_id    INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    reset_turn INTEGER NOT NULL,              -- chats.reset_turn when they were made
    text       TEXT NOT NULL,
    tokens     INTEGER NOT NULL,
    covers     TEXT NOT NULL,
    made_at    REAL NOT NULL
);
CREATE INDEX note_versions_by_chat ON note_versions (chat_id, reset_turn, id);
INSERT INTO note_versions (chat_id, reset_turn, text, tokens, covers, made_at)
    SELECT chat_id, reset_turn, text, tokens, covers, made_at FROM memories WHERE text != '';

-- When a message was edited that had left the window; NULL: it was not, or the notes tell of it as it is now.
ALTER TABLE turns ADD COLUMN changed_at REAL;
CREATE INDEX turns_changed ON turns (chat_id) WHERE changed_at IS NOT NULL;
