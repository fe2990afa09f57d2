-- The search index of turns, rebuilt from them at any time. Each turn is found by its own words and by those of its
-- neighbours, and by who said it and when, which is no word of its own. The tag is the chat's key in letters: a number would be split into words that other numbers share.
CREATE VIRTUAL TABLE turn_keys USING fts5 (
    tag, own, around, label, tokenize = "porter unicode61 remove_diacritics 2"
);
CREATE VIRTUAL TABLE turn_terms USING fts5vocab (turn_keys, row);
CREATE TRIGGER turn_keys_follow AFTER DELETE ON turns BEGIN
    DELETE FROM turn_keys WHERE rowid = old.id;
END;

ALTER TABLE chats ADD COLUMN indexed_turn INTEGER NOT NULL DEFAULT 0; -- turns up to this id are in the index
