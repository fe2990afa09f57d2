-- What was learned of models at their servers: fields that they refuse, how much they read. No word of a prompt.
CREATE TABLE server_facts (
    server     TEXT NOT NULL,                 -- the interface, the host and the port
    model      TEXT NOT NULL,
    facts      TEXT NOT NULL,                 -- JSON
    learned_at REAL NOT NULL,                 -- Unix seconds
    PRIMARY KEY (server, model)
) WITHOUT ROWID;
