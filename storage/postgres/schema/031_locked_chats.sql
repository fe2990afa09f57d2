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
