-- What each chat has chosen for itself. NULL: as the bot is set, or for the language, as the person who speaks.
ALTER TABLE chats ADD COLUMN language TEXT;
ALTER TABLE chats ADD COLUMN model TEXT;
ALTER TABLE chats ADD COLUMN persona TEXT;             -- its own system prompt
ALTER TABLE chats ADD COLUMN recall INTEGER;           -- 0 or 1, as are all of these
ALTER TABLE chats ADD COLUMN thinking INTEGER;
ALTER TABLE chats ADD COLUMN show_thinking INTEGER;
ALTER TABLE chats ADD COLUMN listen INTEGER;
ALTER TABLE chats ADD COLUMN voice INTEGER;

ALTER TABLE chats ADD COLUMN heard_language TEXT;      -- language_code of whoever spoke last
ALTER TABLE chats ADD COLUMN gone INTEGER NOT NULL DEFAULT 0;    -- 1: the bot was removed or blocked there
ALTER TABLE chats ADD COLUMN greeted INTEGER NOT NULL DEFAULT 0; -- 1: the bot has said how it is called

ALTER TABLE turns ADD COLUMN asked INTEGER NOT NULL DEFAULT 1;    -- user: 0 when it was only overheard in a group
ALTER TABLE turns ADD COLUMN from_bot INTEGER NOT NULL DEFAULT 0; -- user: 1 when another bot said it

ALTER TABLE turns ADD COLUMN in_place INTEGER NOT NULL DEFAULT 0; -- assistant: 1 when it is shown in the message of what it replaces

-- What the people of a chat are called in its transcript: no two of them alike, now or ever.
CREATE TABLE speakers (
    chat_id   INTEGER NOT NULL REFERENCES chats (id) ON DELETE CASCADE,
    folded    TEXT NOT NULL,                  -- the name as it is compared
    name      TEXT NOT NULL,                  -- as the transcript has it
    shown     TEXT NOT NULL,                  -- as Telegram shows it, cleaned
    sender_id INTEGER NOT NULL,               -- whose it is
    PRIMARY KEY (chat_id, folded)
) WITHOUT ROWID;

-- Pictures and sounds, each content once, until no turn has it any more.
CREATE TABLE media (
    hash  TEXT PRIMARY KEY,                   -- SHA-256 of the bytes, in hex
    bytes BLOB NOT NULL
);
CREATE TABLE turn_media (
    turn_id  INTEGER NOT NULL REFERENCES turns (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    hash     TEXT NOT NULL REFERENCES media (hash),
    kind     TEXT NOT NULL CHECK (kind IN ('image', 'audio')),
    format   TEXT NOT NULL,                   -- image: its MIME type; audio: mp3 or wav
    tokens   INTEGER NOT NULL,
    refused  INTEGER NOT NULL DEFAULT 0,      -- 1: the model could not read it, so it is not sent again
    PRIMARY KEY (turn_id, position)
) WITHOUT ROWID;
CREATE INDEX turn_media_by_hash ON turn_media (hash);
CREATE TRIGGER media_follow AFTER DELETE ON turn_media
WHEN NOT EXISTS (SELECT 1 FROM turn_media WHERE hash = old.hash) BEGIN
    DELETE FROM media WHERE hash = old.hash;
END;

-- A notice may come with a picture, a voice note or a document.
ALTER TABLE notices RENAME COLUMN photo TO file;
ALTER TABLE notices ADD COLUMN file_kind TEXT NOT NULL DEFAULT 'photo'; -- photo, voice or document
ALTER TABLE notices ADD COLUMN file_name TEXT;
ALTER TABLE notices ADD COLUMN quote INTEGER NOT NULL DEFAULT 0; -- 1: shown as a quote that can be folded
