-- What a message, a press or a start looks up is found by an index, in a database of millions of turns too.

-- The chat of each Telegram message: two chats number theirs alike, and ephemeral messages all have 0.
ALTER TABLE turn_messages ADD COLUMN in_chat INTEGER;
UPDATE turn_messages SET in_chat = (SELECT chat_id FROM turns WHERE id = turn_id);
CREATE INDEX turn_messages_by_chat ON turn_messages (in_chat, message_id);
CREATE TRIGGER turn_messages_follow AFTER INSERT ON turn_messages BEGIN
    UPDATE turn_messages SET in_chat = (SELECT chat_id FROM turns WHERE id = new.turn_id)
    WHERE turn_id = new.turn_id AND message_id = new.message_id;
END;
CREATE TRIGGER turns_follow AFTER UPDATE OF chat_id ON turns BEGIN
    UPDATE turn_messages SET in_chat = new.chat_id WHERE turn_id = new.id;
END;

-- The Telegram chat of each update, while its JSON is kept.
ALTER TABLE inbox ADD COLUMN telegram_id INTEGER;
UPDATE inbox SET telegram_id = (
    SELECT coalesce(kind.value ->> '$.chat.id', kind.value ->> '$.message.chat.id') FROM json_each(raw) AS kind
    WHERE kind.type = 'object' LIMIT 1
) WHERE json_valid(raw);
CREATE INDEX inbox_by_chat ON inbox (telegram_id) WHERE telegram_id IS NOT NULL;

CREATE INDEX turns_by_age ON turns (created_at);
CREATE INDEX resets_by_age ON resets (reset_at);
CREATE INDEX chats_aside ON chats (id) WHERE thread_id < 0; -- what was reset before two chats became one, or forgotten
CREATE INDEX notices_by_chat ON notices (telegram_id);
CREATE INDEX broadcast_chats_by_chat ON broadcast_chats (telegram_id);
CREATE INDEX forgettings_by_chat ON forgettings (chat_id);
CREATE INDEX forgettings_by_age ON forgettings (made_at);
CREATE INDEX turns_tried_again ON turns (chat_id) WHERE refused = 2;
