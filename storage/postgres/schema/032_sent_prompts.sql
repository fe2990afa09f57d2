-- See SQLite's schema 032.
CREATE TABLE system_prompts (
    hash text PRIMARY KEY,
    text text NOT NULL
);

CREATE TABLE sent_prompts (
    reply_id    bigint PRIMARY KEY REFERENCES bases (reply_id) ON DELETE CASCADE,
    digest      text,
    system_hash text,
    last_turn   bigint,
    images      bigint NOT NULL,
    sounds      bigint NOT NULL,
    tools       text NOT NULL,
    tokens      bigint NOT NULL,
    low         bigint,
    high        bigint,
    room        bigint NOT NULL,
    first_s     double precision,
    total_s     double precision NOT NULL
);
CREATE INDEX sent_prompts_by_system ON sent_prompts (system_hash);
CREATE FUNCTION system_prompts_follow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    DELETE FROM system_prompts WHERE hash = old.system_hash
    AND NOT EXISTS (SELECT 1 FROM sent_prompts WHERE system_hash = old.system_hash);
    RETURN NULL;
END $$;
CREATE TRIGGER system_prompts_follow AFTER DELETE ON sent_prompts FOR EACH ROW EXECUTE FUNCTION system_prompts_follow();

CREATE INDEX bases_by_notes ON bases (notes_id) WHERE notes_id IS NOT NULL;
ALTER TABLE basis_turns ADD COLUMN searched bigint NOT NULL DEFAULT 1;
ALTER TABLE basis_turns ADD COLUMN edited bigint NOT NULL DEFAULT 0;
ALTER TABLE basis_turns ADD COLUMN part_start bigint;
ALTER TABLE basis_turns ADD COLUMN part_end bigint;
