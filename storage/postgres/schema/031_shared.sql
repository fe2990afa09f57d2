-- Have no other process write about the Telegram chats that these chats are in (`Transaction.lock_chats`). A group may move
-- to another one while its lock is waited for; each statement here sees what was committed before it.
CREATE FUNCTION lock_chats(list text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    locked bigint[] := '{}';
    wanted bigint[];
BEGIN
    LOOP
        SELECT array_agg(DISTINCT telegram_id) INTO wanted FROM chats
        WHERE id IN (SELECT value FROM list_values(list)) AND telegram_id <> ALL (locked);
        EXIT WHEN wanted IS NULL;
        INSERT INTO chat_claims AS known (telegram_id, token)
        SELECT one, 0 FROM unnest(wanted) AS asked (one) ORDER BY one
        ON CONFLICT (telegram_id) DO UPDATE SET token = known.token;
        locked := locked || wanted;
    END LOOP;
END $$;

-- See SQLite's schema 031.
CREATE TABLE moved_groups (
    old_id bigint PRIMARY KEY,
    new_id bigint NOT NULL
);

-- When each person was answered in the last minute (Unix seconds of the server), and last asked to wait: all processes
-- count together. After a crash of the server the table is empty, which does no harm.
CREATE UNLOGGED TABLE recent_answers (
    user_id     bigint PRIMARY KEY,
    answered_at double precision[] NOT NULL,
    notified_at double precision NOT NULL DEFAULT 0
);

-- A turn with the same bytes may be stored at the same time: its transaction holds the row, and is waited for.
CREATE OR REPLACE FUNCTION media_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    PERFORM 1 FROM media WHERE hash = old.hash FOR UPDATE;
    DELETE FROM media WHERE hash = old.hash AND NOT EXISTS (SELECT 1 FROM turn_media WHERE hash = old.hash);
    RETURN NULL;
END $$;
