-- What one member of a group alone is to see: who, and the press of a button that lets us show it for some seconds.
ALTER TABLE notices ADD COLUMN receiver INTEGER;
ALTER TABLE notices ADD COLUMN query TEXT;

-- Such messages have negative numbers here, questions among them; 0 is still what was set aside.
DROP TRIGGER questions_arrive;
DROP TRIGGER questions_never_arrive;
CREATE TRIGGER questions_arrive AFTER UPDATE OF message_id ON notices WHEN new.asks AND new.message_id <> 0 BEGIN
    UPDATE questions SET message_id = new.message_id, notice_id = NULL WHERE notice_id = new.id;
END;
CREATE TRIGGER questions_never_arrive AFTER DELETE ON notices WHEN old.asks AND ifnull(old.message_id, 0) = 0 BEGIN
    DELETE FROM questions WHERE notice_id = old.id;
END;
