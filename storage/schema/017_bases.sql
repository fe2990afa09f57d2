-- What each answer was based on. Only ids stand here: no word of what is forgotten can be left.
CREATE TABLE bases (
    reply_id      INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    question_id   INTEGER,                    -- the last message that it answers
    first_turn    INTEGER,                    -- where its window began; NULL: nothing was in it
    turns         INTEGER NOT NULL,           -- of the window
    notes_id      INTEGER,                    -- the version of the notes; NULL: there were none, or they have changed
    notes_tokens  INTEGER NOT NULL,
    model         TEXT NOT NULL,
    input_tokens  INTEGER NOT NULL,           -- of all its requests, with the cached ones
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    estimated     INTEGER NOT NULL,           -- requests that the server did not report
    price         REAL,                       -- NULL: not known
    currency      TEXT
);

-- The older turns that were found for it. One that is forgotten leaves the record.
CREATE TABLE basis_turns (
    reply_id     INTEGER NOT NULL REFERENCES bases (reply_id) ON DELETE CASCADE,
    turn_id      INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    shown        INTEGER NOT NULL,            -- 1: the model was shown it; 0: a near miss
    looked_up    INTEGER NOT NULL,            -- 1: the model itself asked for it, with a tool
    overall_rank INTEGER,                     -- from 1; NULL: it was not found, but stands beside one that was
    words_rank   INTEGER,                     -- NULL: not found by words
    meaning_rank INTEGER,                     -- NULL: not found by meaning
    PRIMARY KEY (reply_id, turn_id)
) WITHOUT ROWID;
CREATE INDEX basis_turns_by_turn ON basis_turns (turn_id);

ALTER TABLE notices ADD COLUMN points INTEGER NOT NULL DEFAULT 0; -- 1: a reply in private chats too, where no others are
