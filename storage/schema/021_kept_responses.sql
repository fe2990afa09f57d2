-- Responses that a model server keeps; they are deleted there when something of their chat is deleted here.
-- They outlive the chat: whoever deletes one here has not deleted it there yet.
CREATE TABLE kept_responses (
    url       TEXT PRIMARY KEY,
    chat_id   INTEGER NOT NULL,
    kept_at   REAL NOT NULL,                  -- Unix seconds
    delete_at REAL                            -- the server is told to delete it, at this time or later; NULL: not yet
) WITHOUT ROWID;
CREATE INDEX kept_responses_wanted ON kept_responses (chat_id) WHERE delete_at IS NULL;
CREATE INDEX kept_responses_due ON kept_responses (delete_at) WHERE delete_at IS NOT NULL;
CREATE INDEX kept_responses_by_age ON kept_responses (kept_at);

-- A later response holds all that came before it, so all of the chat's go.
CREATE TRIGGER kept_responses_follow_reset AFTER UPDATE OF reset_turn ON chats WHEN new.reset_turn > old.reset_turn BEGIN
    UPDATE kept_responses SET delete_at = 0 WHERE chat_id = new.id AND delete_at IS NULL;
END;
CREATE TRIGGER kept_responses_follow_forgetting AFTER UPDATE OF chat_id ON turns WHEN new.chat_id <> old.chat_id BEGIN
    UPDATE kept_responses SET delete_at = 0 WHERE chat_id = old.chat_id AND delete_at IS NULL;
END;
CREATE TRIGGER kept_responses_follow_deletion AFTER DELETE ON turns WHEN old.state NOT IN ('streaming', 'replaced') BEGIN
    UPDATE kept_responses SET delete_at = 0 WHERE chat_id = old.chat_id AND delete_at IS NULL;
END;
CREATE TRIGGER kept_responses_follow_chat AFTER DELETE ON chats BEGIN
    UPDATE kept_responses SET delete_at = 0 WHERE chat_id = old.id AND delete_at IS NULL;
END;
