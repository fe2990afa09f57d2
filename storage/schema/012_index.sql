-- The search index is no part of a deletion any more: damage in it must not fail what deletes turns. Their keys are taken
-- out right behind it; an index that is damaged is made anew from the turns.
DROP TRIGGER IF EXISTS turn_keys_follow;
CREATE TABLE stale_keys (
    turn_id INTEGER PRIMARY KEY               -- a turn that is gone, or has other words or neighbours than its key
);
CREATE TRIGGER stale_keys_follow AFTER DELETE ON turns BEGIN
    INSERT OR IGNORE INTO stale_keys (turn_id) VALUES (old.id);
END;

-- A row: the index was found damaged, and is to be made anew.
CREATE TABLE index_damage (
    id INTEGER PRIMARY KEY CHECK (id = 1)
);
