-- Who may talk to the bot: one row for each person and each group that has asked, or that somebody has decided about.
CREATE TABLE access (
    id          INTEGER PRIMARY KEY,          -- what buttons name: a group's own number may change
    telegram_id INTEGER NOT NULL UNIQUE,      -- of a person, or of a group (negative)
    standing    TEXT NOT NULL CHECK (standing IN ('asking', 'allowed', 'denied', 'blocked', 'owner')),
    name        TEXT NOT NULL DEFAULT '',     -- as Telegram showed it: a person's name, a group's title
    username    TEXT,
    language    TEXT,                         -- of the person's apps, or of whoever brought the bot in (IETF)
    brought_by  TEXT,                         -- group: the name of whoever brought the bot in
    bringer_id  INTEGER,                      -- and their id
    asked_at    REAL,                         -- NULL: the owner was never asked
    told        INTEGER NOT NULL DEFAULT 0,   -- group: 1 when it was told that the owner was asked
    decided_at  REAL,
    decided_by  INTEGER,                      -- the owner; NULL: from the shell
    decider     TEXT,                         -- the owner's name
    leaving     INTEGER NOT NULL DEFAULT 0    -- group: 1 while the bot still has to leave it
);
CREATE INDEX access_by_standing ON access (standing);
CREATE INDEX access_leaving ON access (id) WHERE leaving;

-- Links that make whoever opens them first an owner. Only a hash is kept of what they say.
CREATE TABLE owner_links (
    hash       TEXT PRIMARY KEY,              -- SHA-256, in hex
    expires_at REAL NOT NULL,
    claimed_by INTEGER                        -- a person; NULL: nobody yet
) WITHOUT ROWID;

-- What an owner sends to everybody, and where it still has to go.
CREATE TABLE broadcasts (
    id       INTEGER PRIMARY KEY,
    owner_id INTEGER NOT NULL,
    text     TEXT NOT NULL,
    state    TEXT NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'sending', 'done', 'dropped')),
    chats    INTEGER NOT NULL DEFAULT 0,
    sent     INTEGER NOT NULL DEFAULT 0,
    made_at  REAL NOT NULL
);
CREATE TABLE broadcast_chats (
    broadcast_id INTEGER NOT NULL REFERENCES broadcasts (id) ON DELETE CASCADE,
    telegram_id  INTEGER NOT NULL,
    PRIMARY KEY (broadcast_id, telegram_id)
) WITHOUT ROWID;

ALTER TABLE notices ADD COLUMN about INTEGER;     -- a row of access: the question whether to let them in
ALTER TABLE notices ADD COLUMN broadcast INTEGER; -- what it is a part of
ALTER TABLE notices ADD COLUMN literals TEXT NOT NULL DEFAULT '[]'; -- JSON: words in it that are shown just as they are
CREATE INDEX notices_about ON notices (about) WHERE about IS NOT NULL;
CREATE INDEX notices_broadcast ON notices (broadcast) WHERE broadcast IS NOT NULL;
CREATE TRIGGER broadcasts_follow AFTER DELETE ON notices
WHEN old.broadcast IS NOT NULL AND old.message_id IS NOT NULL BEGIN
    UPDATE broadcasts SET sent = sent + 1 WHERE id = old.broadcast;
END;
