-- An update that ended the process three times is set aside: a state of its own, which a CHECK must allow.
CREATE TABLE inbox_anew (
    update_id   INTEGER PRIMARY KEY,
    received_at REAL NOT NULL,
    state       TEXT NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'done', 'unreadable', 'quarantined')),
    raw         TEXT NOT NULL                 -- JSON
);
INSERT INTO inbox_anew (update_id, received_at, state, raw) SELECT update_id, received_at, state, raw FROM inbox;
DROP TABLE inbox;
ALTER TABLE inbox_anew RENAME TO inbox;
CREATE INDEX inbox_new ON inbox (update_id) WHERE state = 'new';
CREATE INDEX inbox_age ON inbox (received_at);
