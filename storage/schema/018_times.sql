-- What was said between two times; an answer has no time of its own but that at which it was stored.
CREATE INDEX turns_by_time ON turns (chat_id, ifnull(said_at, created_at));
