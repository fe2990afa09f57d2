-- What the model server's content filter refuses: it stands in the transcript, is found, and is in no prompt any more.
-- 1: left out; 2: left out, and the model is being asked about it again.
ALTER TABLE turns ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
