-- On PostgreSQL, a table has what each process has in flight. For a SQLite database, a file next to it does.
SELECT 1;
