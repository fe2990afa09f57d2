-- What turns mean, as the embedding model sees it: made from them at any time, and gone with them. Vectors lie together,
-- some hundreds in a row, since a chat's are read all at once. What is in the old tables is made anew in the background.
DROP TRIGGER embedded_follow;
DROP TABLE embedded;
DROP TABLE vectors;

CREATE TABLE vector_pages (
    id         INTEGER PRIMARY KEY,
    chat_id    INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    first_turn INTEGER NOT NULL,              -- the page is for turns from this one on, up to the next page's first
    turns      BLOB NOT NULL,                 -- ids, ascending; 64-bit integers, little-endian
    vectors    BLOB NOT NULL                  -- in their order; 16-bit floats, little-endian
);
CREATE UNIQUE INDEX vector_pages_by_turn ON vector_pages (chat_id, first_turn);

-- How far each chat is: turns up to this one have a vector, or will have none, or are stale.
CREATE TABLE vector_progress (
    chat_id      INTEGER PRIMARY KEY REFERENCES chats (id) ON DELETE CASCADE,
    model        TEXT NOT NULL,
    dimension    INTEGER NOT NULL,            -- 0: not known yet
    through_turn INTEGER NOT NULL
);

-- Turns whose vector was made of other words than it should be: their own, or a neighbour's, were changed or deleted.
CREATE TABLE stale_vectors (
    turn_id INTEGER PRIMARY KEY,
    chat_id INTEGER NOT NULL,
    removed INTEGER NOT NULL DEFAULT 0        -- the old vector is gone, and the new one is not made yet
);
CREATE INDEX stale_vectors_by_chat ON stale_vectors (chat_id, turn_id);
CREATE INDEX stale_vectors_kept ON stale_vectors (chat_id) WHERE NOT removed;

CREATE TRIGGER vectors_follow_deletion AFTER DELETE ON turns
WHEN old.state != 'streaming' AND EXISTS (SELECT 1 FROM vector_progress WHERE chat_id = old.chat_id) BEGIN
    INSERT INTO stale_vectors (turn_id, chat_id) SELECT value, old.chat_id FROM json_each(json_array(
        old.id,
        (SELECT id FROM turns WHERE chat_id = old.chat_id AND id < old.id
         AND state IN ('settled', 'complete', 'sent') ORDER BY id DESC LIMIT 1),
        (SELECT id FROM turns WHERE chat_id = old.chat_id AND id > old.id
         AND state IN ('settled', 'complete', 'sent') ORDER BY id LIMIT 1)
    )) WHERE value IS NOT NULL ON CONFLICT (turn_id) DO UPDATE SET removed = 0;
END;

CREATE TRIGGER vectors_follow_change AFTER UPDATE OF content ON turns
WHEN old.content != new.content AND old.state != 'streaming'
AND EXISTS (SELECT 1 FROM vector_progress WHERE chat_id = old.chat_id) BEGIN
    INSERT INTO stale_vectors (turn_id, chat_id) SELECT value, old.chat_id FROM json_each(json_array(
        old.id,
        (SELECT id FROM turns WHERE chat_id = old.chat_id AND id < old.id
         AND state IN ('settled', 'complete', 'sent') ORDER BY id DESC LIMIT 1),
        (SELECT id FROM turns WHERE chat_id = old.chat_id AND id > old.id
         AND state IN ('settled', 'complete', 'sent') ORDER BY id LIMIT 1)
    )) WHERE value IS NOT NULL ON CONFLICT (turn_id) DO UPDATE SET removed = 0;
END;
