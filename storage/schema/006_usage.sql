-- More of what a request cost, where the server tells it.

ALTER TABLE usage ADD COLUMN written_tokens INTEGER NOT NULL DEFAULT 0;   -- of the input: into the server's cache
ALTER TABLE usage ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0; -- of the output
ALTER TABLE usage ADD COLUMN audio_tokens INTEGER NOT NULL DEFAULT 0;     -- of the input
ALTER TABLE usage ADD COLUMN image_tokens INTEGER NOT NULL DEFAULT 0;     -- of the input
ALTER TABLE usage ADD COLUMN estimated INTEGER NOT NULL DEFAULT 0;        -- requests that nobody reported, in all columns
