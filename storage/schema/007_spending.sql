-- What each person used on each day, in whichever chat: for budgets, and for the list of who uses the bot.
CREATE TABLE spending (
    user_id          INTEGER NOT NULL,         -- 0: all together, also what nobody in particular asked for
    day              TEXT NOT NULL,
    model            TEXT NOT NULL,
    input_tokens     INTEGER NOT NULL DEFAULT 0,
    cached_tokens    INTEGER NOT NULL DEFAULT 0,
    output_tokens    INTEGER NOT NULL DEFAULT 0,
    written_tokens   INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens INTEGER NOT NULL DEFAULT 0,
    audio_tokens     INTEGER NOT NULL DEFAULT 0,
    image_tokens     INTEGER NOT NULL DEFAULT 0,
    estimated        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, day, model)
) WITHOUT ROWID;

-- In a private chat nobody else asks.
INSERT INTO spending
    SELECT telegram_id, day, usage.model, sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(written_tokens),
           sum(reasoning_tokens), sum(audio_tokens), sum(image_tokens), sum(estimated)
    FROM usage JOIN chats ON chats.id = chat_id WHERE private GROUP BY telegram_id, day, usage.model;
INSERT INTO spending
    SELECT 0, day, model, sum(input_tokens), sum(cached_tokens), sum(output_tokens), sum(written_tokens),
           sum(reasoning_tokens), sum(audio_tokens), sum(image_tokens), sum(estimated)
    FROM usage GROUP BY day, model;

-- Budgets that an owner has set in Telegram, over those of the settings; an id of 0 is everybody.
CREATE TABLE budgets (
    scope  TEXT NOT NULL CHECK (scope IN ('user', 'chat', 'total')),
    id     INTEGER NOT NULL,
    amount TEXT NOT NULL,                      -- as it was written: tokens, money, or off
    PRIMARY KEY (scope, id)
) WITHOUT ROWID;

-- Who was told on which day that a budget is nearly used up.
CREATE TABLE budget_hints (
    day   TEXT NOT NULL,
    scope TEXT NOT NULL,
    id    INTEGER NOT NULL,
    PRIMARY KEY (day, scope, id)
) WITHOUT ROWID;
