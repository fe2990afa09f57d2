-- Words of all languages. Each turn is found by the stems of its own words and of its neighbours', and by its words as
-- they are written; the bot spreads and folds them, so that the tokenizer only splits at blanks. turn_keys, the index
-- before this one, still answers for turns up to chats.old_turn, until they are in this one; then it is dropped.
CREATE VIRTUAL TABLE turn_words USING fts5 (
    tag, own, written, around, label, tokenize = "ascii"
);
DROP TABLE IF EXISTS turn_terms;
CREATE VIRTUAL TABLE turn_terms USING fts5vocab (turn_words, row);

ALTER TABLE chats ADD COLUMN old_turn INTEGER NOT NULL DEFAULT 0; -- turns up to this id are to be indexed anew
UPDATE chats SET old_turn = indexed_turn;
CREATE INDEX chats_old ON chats (old_turn) WHERE old_turn > 0;

-- How many of a chat's words speak for which language: the one with most is its own.
CREATE TABLE chat_languages (
    chat_id  INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    language TEXT NOT NULL,                   -- ISO 639-1
    words    INTEGER NOT NULL,
    PRIMARY KEY (chat_id, language)
) WITHOUT ROWID;

-- What the words in the index were made by. Another version of that: they are all made anew.
CREATE TABLE index_version (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL
);
