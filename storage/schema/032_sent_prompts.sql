-- System prompts that answers were given with; each is deleted with the last of them.
CREATE TABLE system_prompts (
    hash TEXT PRIMARY KEY,                    -- SHA-256 of the text, in hex
    text TEXT NOT NULL
);

-- What it takes, together with the basis, to build the messages of an answer's request again: IDs and numbers only.
CREATE TABLE sent_prompts (
    reply_id    INTEGER PRIMARY KEY REFERENCES bases (reply_id) ON DELETE CASCADE,
    digest      TEXT,                         -- SHA-256 of the messages, in hex; NULL: some of them were edited or forgotten
    system_hash TEXT,                         -- NULL: there was no system prompt
    last_turn   INTEGER,                      -- the last turn of the window
    images      INTEGER NOT NULL,             -- how many pictures of the window were sent, the newest
    sounds      INTEGER NOT NULL,
    tools       TEXT NOT NULL,                -- the names of those that were offered, with blanks between them
    tokens      INTEGER NOT NULL,             -- of the window, as the bot estimates the model's, without what was recalled
    low         INTEGER,                      -- what a compaction leaves,
    high        INTEGER,                      -- and when it is due, in the same tokens; NULL: never
    room        INTEGER NOT NULL,             -- the model's context window
    first_s     REAL,                         -- seconds until the user saw some of the answer; NULL: none before the end
    total_s     REAL NOT NULL                 -- seconds until it was stored
);
CREATE INDEX sent_prompts_by_system ON sent_prompts (system_hash);
CREATE TRIGGER system_prompts_follow AFTER DELETE ON sent_prompts
WHEN NOT EXISTS (SELECT 1 FROM sent_prompts WHERE system_hash = old.system_hash) BEGIN
    DELETE FROM system_prompts WHERE hash = old.system_hash;
END;

CREATE INDEX bases_by_notes ON bases (notes_id) WHERE notes_id IS NOT NULL;
ALTER TABLE basis_turns ADD COLUMN searched INTEGER NOT NULL DEFAULT 1; -- 0: it was only shown because it was edited
ALTER TABLE basis_turns ADD COLUMN edited INTEGER NOT NULL DEFAULT 0;   -- 1: its new text was shown, since the notes had the old one
ALTER TABLE basis_turns ADD COLUMN part_start INTEGER;                  -- which part was shown, in characters; NULL: all of it
ALTER TABLE basis_turns ADD COLUMN part_end INTEGER;
