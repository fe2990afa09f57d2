-- What each turn means, as the embedding model sees it: made from the turn at any time, and gone with it.
-- A vector of another model, or of another dimension, is not searched, and is overwritten when its chat is caught up.
CREATE TABLE vectors (
    turn_id   INTEGER PRIMARY KEY REFERENCES turns (id) ON DELETE CASCADE,
    chat_id   INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    model     TEXT NOT NULL,
    dimension INTEGER NOT NULL,
    vector    BLOB NOT NULL                   -- of length 1; 32-bit floats, little-endian
);
CREATE INDEX vectors_by_chat ON vectors (chat_id); -- and by turn_id within a chat, since that is the row's id

-- How far each chat is: turns up to this one have a vector, or the server will have none of them.
CREATE TABLE embedded (
    chat_id      INTEGER PRIMARY KEY REFERENCES chats (id) ON DELETE CASCADE,
    model        TEXT NOT NULL,
    dimension    INTEGER NOT NULL,            -- 0: not known yet
    through_turn INTEGER NOT NULL
);
-- A reset that is undone brings back turns that were passed over while it stood.
CREATE TRIGGER embedded_follow AFTER UPDATE OF reset_turn ON chats WHEN new.reset_turn < old.reset_turn BEGIN
    UPDATE embedded SET through_turn = min(through_turn, new.reset_turn) WHERE chat_id = new.id;
END;
