-- What was learned long ago is found to be forgotten.
CREATE INDEX server_facts_by_time ON server_facts (learned_at);
