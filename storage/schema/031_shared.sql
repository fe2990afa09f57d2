-- The new IDs of groups that became supergroups: updates under the old ID may still come.
CREATE TABLE moved_groups (
    old_id INTEGER PRIMARY KEY,
    new_id INTEGER NOT NULL
);
