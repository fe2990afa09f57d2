ALTER TABLE chats ADD COLUMN reply_format TEXT; -- auto, rich or text; NULL: as the bot is set
